//! XML as a tree of elements, with a limit on depth. No entity of a DTD is ever expanded.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::ingest::IngestError;

/// Deepest nesting that is read. Statutes stay under 30.
const DEPTH_MAX: usize = 100;

/// An element with its attributes and children.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    nodes: Vec<Node>,
}

#[derive(Debug)]
enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    /// The value of an attribute, or an empty string.
    pub(super) fn attribute(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// Child elements in order.
    pub(super) fn children(&self) -> impl Iterator<Item = &Self> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The first child of a name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children().find(|child| child.name == name)
    }

    /// The first element of a name at any depth, this one included.
    pub(super) fn find(&self, name: &str) -> Option<&Self> {
        if self.name == name {
            return Some(self);
        }
        self.children().find_map(|child| child.find(name))
    }

    /// All text inside, ruby readings left out, columns set apart by a full-width space.
    pub(super) fn text(&self) -> String {
        self.text_of(|_| true)
    }

    /// As [`Self::text`], from its own text and those children whose name `wanted` accepts.
    pub(super) fn text_of(&self, wanted: impl Fn(&str) -> bool) -> String {
        let mut text = String::new();
        self.nodes.iter().for_each(|node| match node {
            Node::Element(element) if wanted(&element.name) => element.collect(&mut text),
            Node::Element(_) => {}
            Node::Text(run) => text.push_str(run),
        });
        text.trim().to_owned()
    }

    fn collect(&self, text: &mut String) {
        if self.name == "Rt" {
            return;
        }
        if self.name == "Column" && !text.is_empty() {
            text.push('　');
        }
        for node in &self.nodes {
            match node {
                Node::Element(element) => element.collect(text),
                Node::Text(run) => text.push_str(run),
            }
        }
    }
}

/// Parses a whole file; the root element comes back.
pub(super) fn parse(text: &str) -> Result<Element, IngestError> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        match reader.read_event().map_err(damaged)? {
            Event::Start(start) => {
                if open.len() >= DEPTH_MAX {
                    return Err(damaged(format!("nested deeper than {DEPTH_MAX} elements")));
                }
                open.push(element(&start)?);
            }
            Event::Empty(start) => place(element(&start)?, &mut open, &mut root),
            Event::End(_) => {
                if let Some(closed) = open.pop() {
                    place(closed, &mut open, &mut root);
                }
            }
            Event::Text(run) => add_text(&run.xml10_content(), &mut open),
            Event::CData(run) => add_text(&run.xml10_content(), &mut open),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(damaged)?;
                match (character, resolve_predefined_entity(&reference)) {
                    (Some(character), _) => add_text(character.encode_utf8(&mut [0; 4]), &mut open),
                    (None, Some(value)) => add_text(value, &mut open),
                    (None, None) => {
                        return Err(damaged(format!("unknown entity &{};", &*reference)));
                    }
                }
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    match (open.last(), root) {
        (Some(unclosed), _) => Err(damaged(format!("cut off inside <{}>", unclosed.name))),
        (None, Some(root)) => Ok(root),
        (None, None) => Err(damaged("no XML element")),
    }
}

fn damaged(why: impl std::fmt::Display) -> IngestError {
    IngestError::Damaged(format!("XML: {why}"))
}

fn element(start: &BytesStart<'_>) -> Result<Element, IngestError> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(damaged)?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(damaged)?;
        attributes.push((attribute.key.local_name().into_inner().to_owned(), value.into_owned()));
    }
    let name = start.local_name().into_inner().to_owned();
    Ok(Element { name, attributes, nodes: Vec::new() })
}

/// Puts a closed element where it belongs; only the first root counts.
fn place(element: Element, open: &mut [Element], root: &mut Option<Element>) {
    match open.last_mut() {
        Some(parent) => parent.nodes.push(Node::Element(element)),
        None => {
            root.get_or_insert(element);
        }
    }
}

/// Indentation between elements is no text; line breaks inside a sentence are none either.
fn add_text(run: &str, open: &mut [Element]) {
    let Some(parent) = open.last_mut() else {
        return;
    };
    let text: String = run.split(['\n', '\r']).map(|line| line.trim_matches([' ', '\t'])).collect();
    let text = if run.contains(['\n', '\r']) { text } else { run.to_owned() };
    if !text.is_empty() {
        parent.nodes.push(Node::Text(text));
    }
}
