//! XML as a small tree: enough for Office parts, with a limit on depth and nothing expanded.

use std::collections::HashSet;
use std::rc::Rc;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

/// Deeper trees are hostile: tables in text boxes in tables come to about 60.
const DEPTH_MAX: usize = 256;

/// An element with its attributes and what stands in it.
#[derive(Debug)]
pub(crate) struct Element {
    /// Local name, without the namespace prefix.
    name: Rc<str>,
    /// Names as written, with their prefix.
    attributes: Vec<(Rc<str>, String)>,
    children: Vec<Node>,
}

#[derive(Debug)]
enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    /// Local name: `p` of `<w:p>`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Child elements in order.
    pub(crate) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The first child of that local name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.elements().find(|child| child.name() == name)
    }

    /// The element at the end of a path of child names.
    pub(crate) fn path(&self, names: &[&str]) -> Option<&Self> {
        names.iter().try_fold(self, |element, name| element.child(name))
    }

    /// Value of an attribute, with or without a prefix; empty when there is none.
    pub(crate) fn attr(&self, name: &str) -> &str {
        self.attr_opt(name).unwrap_or_default()
    }

    /// Value of an attribute by its local name; one without a prefix goes first.
    pub(crate) fn attr_opt(&self, name: &str) -> Option<&str> {
        let exact = self.attributes.iter().find(|(key, _)| &**key == name);
        let found = exact.or_else(|| self.attributes.iter().find(|(key, _)| local(key) == name));
        found.map(|(_, value)| value.as_str())
    }

    /// Value of an attribute that carries a prefix: `r:id` beside a plain `id`.
    pub(crate) fn attr_prefixed(&self, name: &str) -> &str {
        let prefixed = |key: &str| key.contains(':') && local(key) == name;
        let found = self.attributes.iter().find(|(key, _)| prefixed(key));
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// An on/off property: the element itself is `w:val="1"` unless it says otherwise.
    pub(crate) fn is_on(&self) -> bool {
        !matches!(self.attr("val"), "0" | "false" | "off" | "none")
    }

    /// The text directly inside, without that of child elements.
    pub(crate) fn text(&self) -> String {
        let texts = self.children.iter().filter_map(|child| match child {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        });
        texts.collect()
    }

    /// The text of a run's `t`: outer spaces count only where the file says so.
    pub(crate) fn run_text(&self) -> String {
        let text = self.text();
        match self.attr("space") {
            "preserve" => text,
            _ => text.trim_matches([' ', '\t', '\r', '\n']).to_owned(),
        }
    }
}

/// Parses a part. The error says why it is no well-formed XML.
pub(crate) fn parse(bytes: &[u8]) -> Result<Element, String> {
    let text = decode(bytes)?;
    let mut reader = Reader::from_str(&text);
    let mut tree = Tree::default();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => tree.open(&start)?,
            Event::Empty(start) => {
                tree.open(&start)?;
                tree.close()?;
            }
            Event::End(_) => tree.close()?,
            Event::Text(text) => tree.text(&text.xml10_content()),
            Event::CData(text) => tree.text(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref().map_err(|e| e.to_string())? {
                    Some(character) => character.to_string(),
                    None => entity(&reference)?.to_owned(),
                };
                tree.text(&resolved);
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    tree.finish()
}

/// Office writes UTF-8, rarely UTF-16 with a byte order mark.
fn decode(bytes: &[u8]) -> Result<std::borrow::Cow<'_, str>, String> {
    let (encoding, bom) = encoding_rs::Encoding::for_bom(bytes).unwrap_or((encoding_rs::UTF_8, 0));
    encoding
        .decode_without_bom_handling_and_without_replacement(&bytes[bom..])
        .ok_or_else(|| format!("not {}", encoding.name()))
}

/// Only the five entities of XML itself: a part that defines more is not from an office program.
fn entity(name: &str) -> Result<&'static str, String> {
    Ok(match name {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "apos" => "'",
        "quot" => "\"",
        other => return Err(format!("unknown entity &{other};")),
    })
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// The tree while it grows.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    /// Each name is stored once: a document repeats some forty names a hundred thousand times.
    names: HashSet<Rc<str>>,
}

impl Tree {
    fn intern(&mut self, name: &str) -> Rc<str> {
        if let Some(known) = self.names.get(name) {
            return Rc::clone(known);
        }
        let name: Rc<str> = name.into();
        self.names.insert(Rc::clone(&name));
        name
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), String> {
        if self.open.len() >= DEPTH_MAX {
            return Err(format!("elements nested deeper than {DEPTH_MAX}"));
        }
        if self.root.is_some() {
            return Err("more than one root element".to_owned());
        }
        let mut attributes = Vec::new();
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let key = attribute.key.as_ref();
            // Revision ids are half of all attributes in a Word file, and nobody reads them.
            if local(key).starts_with("rsid") || key.starts_with("xmlns") {
                continue;
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|error| error.to_string())?.into_owned();
            attributes.push((self.intern(key), value));
        }
        let name = self.intern(start.local_name().as_ref());
        self.open.push(Element { name, attributes, children: Vec::new() });
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let element = self.open.pop().ok_or("an end tag too many")?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(Node::Element(element)),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        let Some(element) = self.open.last_mut() else {
            return;
        };
        // White space between elements is layout, except inside a text run.
        if &*element.name != "t" && text.chars().all(char::is_whitespace) {
            return;
        }
        match element.children.last_mut() {
            Some(Node::Text(before)) => before.push_str(text),
            _ => element.children.push(Node::Text(text.to_owned())),
        }
    }

    fn finish(self) -> Result<Element, String> {
        match self.open.last() {
            Some(open) => Err(format!("cut off inside <{}>", open.name)),
            None => self.root.ok_or_else(|| "no root element".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_attributes_and_paths() {
        let xml = "<w:a xmlns:w='u' w:rsidR='1'><w:b w:val='x &amp; y' id='2' r:id='r3'/>\n \
                   <w:c><w:t xml:space='preserve'> 一&lt;&#x4E8C; </w:t></w:c></w:a>";
        let tree = parse(xml.as_bytes()).unwrap();
        let b = tree.child("b").unwrap();
        assert_eq!((b.attr("val"), b.attr("id"), b.attr_prefixed("id")), ("x & y", "2", "r3"));
        assert_eq!(tree.attr_opt("rsidR"), None);
        assert_eq!(tree.path(&["c", "t"]).unwrap().run_text(), " 一<二 ");
    }

    #[test]
    fn utf16_is_read() {
        let mut bytes = vec![0xFF, 0xFE];
        bytes.extend("<a>市</a>".encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(parse(&bytes).unwrap().text(), "市");
    }

    #[test]
    fn bad_xml_is_an_error() {
        let deep = "<a>".repeat(DEPTH_MAX + 1);
        for xml in ["", "<a>", "<a></b>", "<a>&bomb;</a>", "<a/><b/>", "</a>", deep.as_str()] {
            assert!(parse(xml.as_bytes()).is_err(), "{xml:.20}");
        }
        assert!(parse(b"<a>\x81\x40</a>").is_err());
    }
}
