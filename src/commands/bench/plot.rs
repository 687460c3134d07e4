//! The roofline as an SVG picture: operations per byte on x, GOP/s on y, both logarithmic; the
//! machine's memory and its multiply-adds as the roof; what was measured below it.
//!
//! The picture stands alone: system fonts, no reference to anything outside.

use std::fmt::Write;

use super::figures::Figure;
use super::roofline::Point;
use crate::llm::MachineLimits;
use crate::text::Lang;

/// What is drawn.
pub(super) struct Picture<'a> {
    pub(super) lang: Lang,
    /// Model and machine.
    pub(super) title: &'a str,
    pub(super) limits: &'a MachineLimits,
    pub(super) points: &'a [Point],
    /// The peer's name, where its points are drawn as well.
    pub(super) peer: Option<&'a str>,
}

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 640.0;
/// The plot's edges.
const LEFT: f64 = 84.0;
const RIGHT: f64 = 930.0;
const TOP: f64 = 92.0;
const BOTTOM: f64 = 556.0;
/// Colours that stay apart in grey and for colour-blind eyes; shapes tell the sides apart too.
const INK: &str = "#1a1a1c";
const FAINT: &str = "#d8d8db";
const MUTED: &str = "#626264";
const KURA: &str = "#0017c1";
const PEER: &str = "#b34700";
const FONTS: &str = "system-ui, 'Hiragino Sans', 'Yu Gothic UI', 'Noto Sans JP', \
                     'Noto Sans CJK JP', 'IPAGothic', sans-serif";

impl Picture<'_> {
    /// The SVG document.
    pub(super) fn svg(&self) -> String {
        let axes = Axes::around(self);
        let mut svg = Svg::new(self.words("ルーフライン", "Roofline"), &self.summary());
        svg.text(LEFT, 30.0, "font-size='18' font-weight='bold'", self.title);
        svg.text(LEFT, 54.0, &format!("fill='{MUTED}'"), &self.machine());
        self.grid(&mut svg, &axes);
        self.roof(&mut svg, &axes);
        self.marks(&mut svg, &axes);
        self.legend(&mut svg);
        svg.finish()
    }

    fn words<'w>(&self, ja: &'w str, en: &'w str) -> &'w str {
        match self.lang {
            Lang::Ja => ja,
            Lang::En => en,
        }
    }

    /// All that is drawn, in words.
    fn summary(&self) -> String {
        let mut said = vec![self.title.to_owned(), self.machine()];
        for point in self.points {
            let name = self.mark_name(point.figure);
            let of = |side: &str, value: Option<f64>| {
                value.map(|value| format!("{name} {side} {value:.1} GOP/s"))
            };
            said.extend(of("kura", point.kura_gop_per_s));
            said.extend(of(self.peer.unwrap_or_default(), point.peer_gop_per_s));
        }
        said.join("; ")
    }

    fn machine(&self) -> String {
        let gb = self.limits.read_bytes_per_s / 1e9;
        let threads = self.limits.threads;
        match self.lang {
            Lang::Ja => {
                format!("この機器の限界（{threads}スレッドで実測）：メモリ読み出し {gb:.1} GB/s")
            }
            Lang::En => format!("limits measured with {threads} threads: memory read {gb:.1} GB/s"),
        }
    }

    fn mark_name(&self, figure: Figure) -> String {
        match (figure, self.lang) {
            (Figure::Prefill(tokens), Lang::Ja) => format!("入力{tokens}"),
            (Figure::Prefill(tokens), Lang::En) => format!("prefill {tokens}"),
            (Figure::Decode(0), Lang::Ja) => "1人".to_owned(),
            (Figure::Decode(0), Lang::En) => "1 user".to_owned(),
            (Figure::UsersSum(users), Lang::Ja) => format!("{users}人"),
            (Figure::UsersSum(users), Lang::En) => format!("{users} users"),
            (other, lang) => other.label(lang, None),
        }
    }

    fn grid(&self, svg: &mut Svg, axes: &Axes) {
        for x in axes.x_ticks() {
            let at = axes.x(x);
            svg.line((at, TOP), (at, BOTTOM), &format!("stroke='{FAINT}'"));
            svg.text(at, BOTTOM + 20.0, "text-anchor='middle'", &number(x));
        }
        for y in axes.y_ticks() {
            let at = axes.y(y);
            svg.line((LEFT, at), (RIGHT, at), &format!("stroke='{FAINT}'"));
            svg.text(LEFT - 8.0, at + 4.0, "text-anchor='end'", &number(y));
        }
        let x_name = self.words("演算量／読み出し量（演算／バイト）", "operations per byte read");
        svg.text((LEFT + RIGHT) / 2.0, BOTTOM + 44.0, "text-anchor='middle'", x_name);
        let y_name = self.words("毎秒の演算（GOP/s）", "operations a second (GOP/s)");
        svg.text(LEFT, TOP - 10.0, "", y_name);
    }

    /// The slope of the memory, and a ceiling for each sequence of multiply-adds.
    fn roof(&self, svg: &mut Svg, axes: &Axes) {
        let slope = self.limits.read_bytes_per_s / 1e9;
        let best = self.limits.int8_operations_per_s() / 1e9;
        for (at, limit) in self.limits.int8.iter().enumerate() {
            let peak = limit.operations_per_s / 1e9;
            if peak < axes.least_y {
                continue;
            }
            let is_best = peak >= best;
            let style = match is_best {
                true => format!("stroke='{INK}' stroke-width='2' class='roof'"),
                false => format!("stroke='{MUTED}' stroke-dasharray='6 4' class='ceiling'"),
            };
            let ridge = (peak / slope).max(axes.least_x);
            svg.line((axes.x(ridge), axes.y(peak)), (RIGHT, axes.y(peak)), &style);
            let name = format!("int8 {} {peak:.0} GOP/s", limit.instructions);
            // A lower ceiling close below another has its name under the line.
            let next = self.limits.int8.get(at + 1).map(|next| next.operations_per_s / 1e9);
            let crowded = next.is_some_and(|next| axes.y(peak) - axes.y(next.max(peak)) < 18.0);
            let below = if crowded { 16.0 } else { -6.0 };
            let ink = format!("text-anchor='end' fill='{}'", if is_best { INK } else { MUTED });
            svg.text(RIGHT - 4.0, axes.y(peak) + below, &ink, &name);
        }
        let start = axes.least_x.max(axes.least_y / slope);
        let end = best / slope;
        let (from, to) = ((axes.x(start), axes.y(slope * start)), (axes.x(end), axes.y(best)));
        svg.line(from, to, &format!("stroke='{INK}' stroke-width='2' class='roof'"));
        let angle = (to.1 - from.1).atan2(to.0 - from.0).to_degrees();
        let middle = (from.0.midpoint(to.0), from.1.midpoint(to.1) - 8.0);
        let turned = format!(
            "text-anchor='middle' transform='rotate({angle:.1} {:.1} {:.1})'",
            middle.0, middle.1
        );
        let name = format!("{} {slope:.1} GB/s", self.words("メモリ", "memory"));
        svg.text(middle.0, middle.1, &turned, &name);
    }

    /// Both sides of a figure stand on one thin line, with its name below the lower one.
    fn marks(&self, svg: &mut Svg, axes: &Axes) {
        for point in self.points.iter().filter(|point| is_drawn(point.figure)) {
            let x = axes.x(point.operations_per_byte);
            let values: Vec<f64> =
                [point.kura_gop_per_s, point.peer_gop_per_s].into_iter().flatten().collect();
            let Some(least) = values.iter().copied().reduce(f64::min) else { continue };
            let roof = axes.y(point.roof_gop_per_s);
            let faint = format!("stroke='{MUTED}' stroke-dasharray='1 3'");
            svg.line((x, axes.y(least)), (x, roof), &faint);
            if let Some(peer) = point.peer_gop_per_s {
                svg.square(x, axes.y(peer), PEER);
            }
            if let Some(kura) = point.kura_gop_per_s {
                svg.circle(x, axes.y(kura), KURA);
            }
            let name = self.mark_name(point.figure);
            svg.text(x, axes.y(least) + 22.0, "text-anchor='middle'", &name);
            if let Some(share) = point.kura_percent_of_roof {
                let muted = format!("text-anchor='middle' font-size='11' fill='{MUTED}'");
                svg.text(x, axes.y(least) + 36.0, &muted, &format!("{share:.0}%"));
            }
        }
    }

    fn legend(&self, svg: &mut Svg) {
        let y = HEIGHT - 18.0;
        svg.circle(LEFT + 6.0, y - 4.0, KURA);
        svg.text(LEFT + 18.0, y, "", "kura");
        let mut next = LEFT + 66.0;
        if let Some(peer) = self.peer {
            svg.square(next, y - 4.0, PEER);
            svg.text(next + 12.0, y, "", peer);
            next += 100.0;
        }
        let share = self.words("％：限界に対するkuraの割合", "%: kura's share of the roof");
        svg.text(next, y, &format!("fill='{MUTED}'"), share);
    }
}

/// Contexts beyond the start lie on the same place as one user: they would hide each other.
fn is_drawn(figure: Figure) -> bool {
    !matches!(figure, Figure::Decode(context) if context > 0)
}

/// The logarithmic axes.
struct Axes {
    least_x: f64,
    most_x: f64,
    least_y: f64,
    most_y: f64,
}

impl Axes {
    /// All points and the ridge lie inside, with room for their names.
    fn around(picture: &Picture<'_>) -> Self {
        let best = picture.limits.int8_operations_per_s() / 1e9;
        let ridge = best / (picture.limits.read_bytes_per_s / 1e9);
        let drawn = || picture.points.iter().filter(|point| is_drawn(point.figure));
        let xs = drawn().map(|point| point.operations_per_byte).chain([ridge]);
        let ys = drawn().flat_map(|point| [point.kura_gop_per_s, point.peer_gop_per_s]);
        let ys = ys.flatten().chain([best]);
        let (least_x, most_x) = range(xs);
        let (least_y, most_y) = range(ys);
        Self {
            least_x: least_x / 2.0,
            most_x: most_x * 2.5,
            least_y: least_y / 4.0,
            most_y: most_y * 2.0,
        }
    }

    fn x(&self, value: f64) -> f64 {
        let share = (value / self.least_x).ln() / (self.most_x / self.least_x).ln();
        LEFT + share * (RIGHT - LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value / self.least_y).ln() / (self.most_y / self.least_y).ln();
        BOTTOM - share * (BOTTOM - TOP)
    }

    /// Powers of four.
    fn x_ticks(&self) -> Vec<f64> {
        ticks(self.least_x, self.most_x, &[1.0], 4.0)
    }

    /// 1, 2 and 5 times powers of ten.
    fn y_ticks(&self) -> Vec<f64> {
        ticks(self.least_y, self.most_y, &[1.0, 2.0, 5.0], 10.0)
    }
}

fn ticks(least: f64, most: f64, steps: &[f64], base: f64) -> Vec<f64> {
    let powers = (-20..40).map(|power| base.powi(power));
    let all = powers.flat_map(|power| steps.iter().map(move |step| step * power));
    all.filter(|tick| (least..=most).contains(tick)).collect()
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let positive = values.filter(|value| value.is_finite() && *value > 0.0);
    let (least, most) =
        positive.fold((f64::INFINITY, 0.0), |(a, b): (f64, f64), v| (a.min(v), b.max(v)));
    if least <= most { (least, most) } else { (1.0, 1.0) }
}

/// A tick without more digits than it has.
fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The text of the document as it grows.
struct Svg(String);

impl Svg {
    fn new(title: &str, description: &str) -> Self {
        let mut svg = Self(String::new());
        svg.add(format_args!(
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' \
             width='{WIDTH}' height='{HEIGHT}' role='img' font-family=\"{FONTS}\" \
             font-size='13' fill='{INK}'>\n<title>{}</title>\n<desc>{}</desc>\n\
             <rect width='{WIDTH}' height='{HEIGHT}' fill='#ffffff'/>",
            escaped(title),
            escaped(description)
        ));
        svg
    }

    fn add(&mut self, what: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{what}");
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), style: &str) {
        self.add(format_args!(
            "<line x1='{:.1}' y1='{:.1}' x2='{:.1}' y2='{:.1}' {style}/>",
            from.0, from.1, to.0, to.1
        ));
    }

    /// White round the letters keeps them readable over lines.
    fn text(&mut self, x: f64, y: f64, style: &str, text: &str) {
        self.add(format_args!(
            "<text x='{x:.1}' y='{y:.1}' paint-order='stroke' stroke='#ffffff' \
             stroke-width='3' stroke-linejoin='round' {style}>{}</text>",
            escaped(text)
        ));
    }

    fn circle(&mut self, x: f64, y: f64, colour: &str) {
        self.add(format_args!(
            "<circle class='kura' cx='{x:.1}' cy='{y:.1}' r='6' fill='{colour}'/>"
        ));
    }

    fn square(&mut self, x: f64, y: f64, colour: &str) {
        let (left, top) = (x - 5.5, y - 5.5);
        self.add(format_args!(
            "<rect class='peer' x='{left:.1}' y='{top:.1}' width='11' height='11' \
             fill='#ffffff' stroke='{colour}' stroke-width='2.5'/>"
        ));
    }

    fn finish(mut self) -> String {
        self.add(format_args!("</svg>"));
        self.0
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // XML has no place for these, escaped or not.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::Int8Limit;

    fn point(figure: Figure, x: f64, kura: f64, peer: Option<f64>) -> Point {
        Point {
            figure,
            key: figure.key(),
            operations_per_byte: x,
            kura_gop_per_s: Some(kura),
            peer_gop_per_s: peer,
            roof_gop_per_s: (30.0 * x).min(900.0),
            kura_percent_of_roof: Some(50.0),
        }
    }

    fn drawn(lang: Lang, peer: Option<&str>) -> String {
        let int8 = [("portable", 8e9), ("AVX2", 4e11), ("AVX-512 VNNI", 9e11)];
        let limits = MachineLimits {
            threads: 2,
            read_bytes_per_s: 30e9,
            int8: int8
                .map(|(instructions, operations_per_s)| Int8Limit {
                    instructions,
                    operations_per_s,
                })
                .into(),
        };
        let beside = |value: f64| peer.map(|_| value);
        let points = [
            point(Figure::Decode(0), 2.5, 45.0, beside(40.0)),
            point(Figure::Decode(1024), 2.6, 44.0, beside(38.0)),
            point(Figure::UsersSum(4), 10.0, 120.0, beside(50.0)),
            point(Figure::Prefill(512), 1300.0, 400.0, beside(160.0)),
        ];
        let title = "<model> & Co";
        Picture { lang, title, limits: &limits, points: &points, peer }.svg()
    }

    /// Numbers of an attribute over all elements of a class.
    fn numbers(svg: &str, name: &str, class: &str) -> Vec<f64> {
        let lines = svg.lines().filter(|line| line.contains(&format!("class='{class}'")));
        let parts = lines.filter_map(|line| line.split(&format!(" {name}='")).nth(1));
        parts.map(|rest| rest.split('\'').next().unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn the_document_is_well_formed_and_stands_alone() {
        for lang in [Lang::Ja, Lang::En] {
            let svg = drawn(lang, Some("llama.cpp"));
            let mut reader = quick_xml::Reader::from_str(&svg);
            loop {
                match reader.read_event().unwrap() {
                    quick_xml::events::Event::Eof => break,
                    _ => continue,
                }
            }
            assert!(svg.contains("&lt;model&gt; &amp; Co"));
            assert_eq!(svg.matches("http").count(), 1, "only the name space");
            assert!(!svg.contains("NaN") && !svg.contains("inf"));
        }
        assert!(drawn(Lang::Ja, None).contains("メモリ"));
    }

    #[test]
    fn the_roof_is_above_the_points() {
        let svg = drawn(Lang::En, Some("llama.cpp"));
        assert_eq!(numbers(&svg, "x1", "roof").len(), 2, "a slope and a ceiling");
        assert_eq!(numbers(&svg, "x1", "ceiling").len(), 1, "the portable one is out of sight");
        let ceiling = numbers(&svg, "y2", "roof")[0];
        // One for each drawn figure, and one in the legend.
        let kura = numbers(&svg, "cy", "kura");
        assert_eq!((kura.len(), numbers(&svg, "y", "peer").len()), (4, 4));
        assert!(kura.iter().all(|y| *y > ceiling), "{kura:?}");
        assert!(numbers(&drawn(Lang::En, None), "y", "peer").is_empty());
        let xs = numbers(&svg, "cx", "kura");
        assert!(xs.iter().all(|x| (LEFT..RIGHT).contains(x)), "{xs:?}");
    }

    #[test]
    fn ticks_are_round_numbers_inside() {
        assert_eq!(ticks(0.9, 60.0, &[1.0, 2.0, 5.0], 10.0), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0]);
        assert_eq!(number(0.25), "0.25");
        assert_eq!(number(1024.0), "1024");
    }
}
