//! Help, made from the rows of the surface and the tables of the layers.

use std::fmt::Write;

use super::names::Known;
use super::surface;
use super::table::table;
use crate::layers;
use crate::packet::{LayerDesc, describe};

/// What a newcomer sees after `help()`.
pub(super) fn overview() -> String {
    let groups = ["exchange", "scans", "packets", "captures", "sets", "session"];
    let mut text = String::from(
        "Build a packet with /, send it, read the answer:\n\
         \x20 sr1(IP(\"web.lab\")/TCP(dport=80, flags=\"S\"))\n\
         \x20 _.show()                                  the answer's fields\n\
         \x20 run(\"syn-scanner\", \"web.lab\", \"22,80\")    a recipe; help(run)\n\n",
    );
    for group in groups {
        let names: Vec<&str> = surface::all().filter(|f| f.group == group).map(|f| f.name).collect();
        let _ = writeln!(text, "{group:<10}{}", wrap(&names));
    }
    let names: Vec<&str> = layers::ALL.iter().filter(|d| !d.quoted).map(|d| d.name).collect();
    let _ = write!(
        text,
        "{:<10}{}\n\nhelp(sr1) or sr1? explains one; ls(TCP) lists fields; lsc() lists all functions.",
        "layers",
        wrap(&names)
    );
    text
}

fn wrap(names: &[&str]) -> String {
    let mut lines = vec![String::new()];
    for name in names {
        if lines.last().is_some_and(|line| line.len() + name.len() > 66) {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            let _ = write!(line, "{name} ");
        }
    }
    lines.iter().map(|l| l.trim_end()).collect::<Vec<_>>().join("\n          ")
}

/// Help on one of our functions.
pub(super) fn function(name: &str) -> Option<String> {
    let func = surface::all().find(|f| f.name == name)?;
    let mut text = format!("{}\n  {}\n", func.signature(), func.doc);
    let width = func.params.iter().map(|param| param.name.len()).max().map_or(0, |longest| longest.max(8) + 2);
    for param in func.params {
        let default = param.default.map_or_else(String::new, |d| format!(" [{d}]"));
        let _ = writeln!(text, "    {:<width$}{}{default}", param.name, param.doc);
    }
    let _ = write!(text, "  gives {}", func.gives);
    for example in func.examples {
        let _ = write!(text, "\n  example: {example}");
    }
    Some(text)
}

/// Help on a function that a script or an earlier line defined.
pub(super) fn script_function(known: &Known, name: &str) -> Option<String> {
    let definitions = known.functions.get(name)?;
    let lines: Vec<String> = definitions.iter().map(|params| format!("{name}({})", params.join(", "))).collect();
    Some(format!("{}\n  a function of this session", lines.join("\n")))
}

/// Help on a layer.
pub(super) fn layer(desc: &LayerDesc, width: usize) -> String {
    let positional: Vec<&str> = desc.text_field.into_iter().chain(desc.int_field).collect();
    let mut text = format!("{}({}, field=value, ..)\n  {}\n", desc.name, positional.first().unwrap_or(&""), desc.doc);
    if desc.text_field.is_none() && desc.int_field.is_none() {
        text = format!("{}(field=value, ..)\n  {}\n", desc.name, desc.doc);
    }
    for line in fields(desc, width.saturating_sub(2)).lines() {
        let _ = writeln!(text, "  {line}");
    }
    text.truncate(text.trim_end().len());
    text
}

/// A layer's fields as a table.
pub(super) fn fields(desc: &LayerDesc, width: usize) -> String {
    table(width, &["field", "holds", "default", "meaning"], describe(desc).into_iter().map(Vec::from))
}

/// All functions as a table, group by group.
pub(super) fn functions(width: usize) -> String {
    let rows = surface::all().map(|f| vec![f.group.to_owned(), f.name.to_owned(), f.doc.to_owned()]);
    table(width, &["group", "function", "what it does"], rows)
}
