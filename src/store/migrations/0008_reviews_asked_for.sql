-- Which records ever went into a review: counted for the head of every page.
CREATE INDEX review_steps_of_action ON review_steps (action, code);
