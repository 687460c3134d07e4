//! Cell values as people read them: 10 and not 10.0, 2026-04-01, 12.5%.

use calamine::{Data, ExcelDateTime};

use crate::ingest::office::one_line;

/// What a cell holds, as text on one line.
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    Empty,
    Text(String),
    /// A number or date: what stands under a header, not in one.
    Number(String),
    /// `#REF!` and its like.
    Error,
}

/// The parts of a number format that change what a number says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct NumberFormat {
    /// Decimal places of a percentage; `None` for ordinary numbers.
    percent: Option<usize>,
    /// Literal text before and after the digits: 第 and 号, or 円.
    before: String,
    after: String,
}

impl NumberFormat {
    /// Reads a format code. Only its first section counts, which is for positive numbers.
    pub(super) fn of(code: &str) -> Self {
        let mut format = Self::default();
        let (mut digits, mut decimals, mut point, mut percent) = (false, 0, false, false);
        let mut chars = code.chars();
        while let Some(c) = chars.next() {
            let literal = match c {
                ';' => break,
                '"' => chars.by_ref().take_while(|&c| c != '"').collect(),
                '\\' => chars.next().map(String::from).unwrap_or_default(),
                '[' => {
                    chars.by_ref().find(|&c| c == ']');
                    String::new()
                }
                '_' | '*' => {
                    chars.next();
                    String::new()
                }
                '円' | '%' | '￥' | '¥' | '$' | '△' | '▲' => {
                    percent |= c == '%';
                    if c == '%' { String::new() } else { c.to_string() }
                }
                '0' | '#' | '?' | 'G' => {
                    digits = true;
                    decimals += usize::from(point);
                    String::new()
                }
                '.' => {
                    point = true;
                    String::new()
                }
                _ => String::new(),
            };
            if digits { &mut format.after } else { &mut format.before }.push_str(&literal);
        }
        format.percent = percent.then_some(decimals.min(9));
        if !digits {
            // Text alone, or a date that is written in a form of its own.
            return Self { percent: format.percent, ..Self::default() };
        }
        format.before = one_line(&format.before);
        format.after = one_line(&format.after);
        format
    }

    fn write(&self, number: f64) -> String {
        let digits = match self.percent {
            Some(decimals) => format!("{:.decimals$}%", number * 100.0),
            None => plain(number),
        };
        format!("{}{digits}{}", self.before, self.after)
    }
}

/// A text value; blank text is nothing.
pub(super) fn text(text: &str) -> Value {
    let text = one_line(text);
    if text.is_empty() { Value::Empty } else { Value::Text(text) }
}

/// The value of a cell under its number format, where that is known.
pub(super) fn of(data: &Data, format: Option<&NumberFormat>) -> Value {
    match data {
        Data::Empty => Value::Empty,
        Data::String(string) => text(string),
        Data::Int(number) => Value::Number(number.to_string()),
        Data::Float(number) => Value::Number(match format {
            Some(format) => format.write(*number),
            None => plain(*number),
        }),
        Data::Bool(value) => Value::Text(if *value { "TRUE" } else { "FALSE" }.to_owned()),
        Data::DateTime(time) if time.is_duration() => Value::Number(duration(time.as_f64())),
        Data::DateTime(time) => Value::Number(date_time(time)),
        Data::DateTimeIso(written) => {
            Value::Number(written.trim_end_matches("T00:00:00").replace('T', " "))
        }
        Data::DurationIso(written) => Value::Number(written.clone()),
        Data::Error(_) => Value::Error,
    }
}

/// A number with the 15 digits that a spreadsheet keeps: 0.1 + 0.2 is 0.3.
fn plain(number: f64) -> String {
    let rounded = format!("{number:.14e}").parse().unwrap_or(number);
    // Adding zero turns -0 into 0.
    let rounded: f64 = rounded + 0.0;
    match rounded.abs() {
        size if size >= 1e21 || (size > 0.0 && size < 1e-9) => format!("{rounded:e}"),
        _ => rounded.to_string(),
    }
}

fn date_time(time: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    let clock = match second {
        0 => format!("{hour:02}:{minute:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}"),
    };
    let serial = time.as_f64();
    if (0.0..1.0).contains(&serial) {
        return clock;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    match serial.fract() == 0.0 {
        true => date,
        false => format!("{date} {clock}"),
    }
}

fn duration(days: f64) -> String {
    let seconds = (days.abs() * 86_400.0).round() as u64;
    let sign = if days < 0.0 { "-" } else { "" };
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match seconds {
        0 => format!("{sign}{hours}:{minutes:02}"),
        _ => format!("{sign}{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType::{DateTime, TimeDelta};

    use super::*;

    #[test]
    fn numbers() {
        for (number, code, shown) in [
            (10.0, "General", "10"),
            (-0.0, "", "0"),
            (0.1 + 0.2, "", "0.3"),
            (1234.5, "#,##0.00", "1234.5"),
            (0.125, "0.0%", "12.5%"),
            (0.1, "0%", "10%"),
            (1200.0, "#,##0\"円\"", "1200円"),
            (10.0, "\"第\"0\"号\";[Red]\\-0", "第10号"),
            (5.0, "[$-411]G/標準\"人\"", "5人"),
            (1e300, "", "1e300"),
        ] {
            let value = of(&Data::Float(number), Some(&NumberFormat::of(code)));
            assert_eq!(value, Value::Number(shown.to_owned()), "{number} as {code}");
        }
    }

    #[test]
    fn dates_and_times() {
        for (serial, kind, shown) in [
            (46113.0, DateTime, "2026-04-01"),
            (46113.5, DateTime, "2026-04-01 12:00"),
            (0.375, DateTime, "09:00"),
            (1.5, TimeDelta, "36:00"),
        ] {
            let value = of(&Data::DateTime(ExcelDateTime::new(serial, kind, false)), None);
            assert_eq!(value, Value::Number(shown.to_owned()));
        }
        let iso = of(&Data::DateTimeIso("2026-04-01T00:00:00".to_owned()), None);
        assert_eq!(iso, Value::Number("2026-04-01".to_owned()));
    }

    #[test]
    fn texts() {
        assert_eq!(text(" 一行目\n二行目 "), Value::Text("一行目 二行目".to_owned()));
        assert_eq!(text(" \u{3000}\n"), Value::Empty);
        assert_eq!(of(&Data::Bool(true), None), Value::Text("TRUE".to_owned()));
        assert_eq!(of(&Data::Error(calamine::CellErrorType::Ref), None), Value::Error);
    }
}
