//! Tables as text, drawn by comfy-table.

use comfy_table::{ContentArrangement, Table, presets};

use super::text::escape;

/// A table with a header in capitals, as wide as the screen at most.
pub fn table(width: usize, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let header: Vec<String> = header.iter().map(|h| h.to_uppercase()).collect();
    plain(width, &header.iter().map(String::as_str).collect::<Vec<_>>(), rows)
}

/// A table whose header is data.
pub fn plain(width: usize, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = bare(width);
    table.set_header(header.iter().map(|h| escape(h).into_owned()));
    for row in rows {
        table.add_row(row);
    }
    table.trim_fmt()
}

/// A sentence in lines of `width` columns at most.
pub fn wrapped(width: usize, text: &str) -> String {
    let mut table = bare(width);
    table.add_row([text]);
    if let Some(column) = table.column_mut(0) {
        column.set_padding((0, 0));
    }
    table.trim_fmt()
}

fn bare(width: usize) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX)).force_no_tty();
    table
}
