-- What the box noted with a step of a review: the rule of the section that day, and what the check
-- of a corrected text found (JSON). Empty for steps that were taken before there were such notes.
ALTER TABLE review_steps ADD COLUMN noted TEXT NOT NULL DEFAULT '';
