//! The text of a manifest to a JSON value, with limits and clear errors.
//!
//! Comments are overwritten with spaces, so positions in error texts are those of the original
//! text. The depth is counted before the parser runs, so its recursion is bounded.

use serde_json::Value;

use super::manifest::ManifestError;

/// Longest accepted manifest, in bytes.
pub(super) const MAX_MANIFEST_BYTES: usize = 4 * 1024 * 1024;

/// Deepest accepted nesting of lists and objects in a manifest.
pub(super) const MAX_MANIFEST_DEPTH: usize = 100;

/// Parses the text of a manifest.
pub(super) fn parse(text: &str) -> Result<Value, ManifestError> {
    if text.len() > MAX_MANIFEST_BYTES {
        return Err(ManifestError::of_text(format!(
            "Manifest is too large: {} bytes, the limit is {MAX_MANIFEST_BYTES}.",
            text.len()
        )));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let plain = without_comments(text)?;
    serde_json::from_slice(&plain).map_err(|error| {
        let detail = error.to_string();
        let detail = detail.rsplit_once(" at line ").map_or(detail.as_str(), |(detail, _)| detail);
        syntax_error(error.line(), error.column(), detail)
    })
}

/// `column` counts bytes from 1.
fn syntax_error(line: usize, column: usize, detail: &str) -> ManifestError {
    ManifestError::of_text(format!(
        "Manifest is not valid JSON (line {line}, column {column}): {detail}."
    ))
}

/// What the scanner is inside of.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Plain,
    Text,
    TextAfterBackslash,
    LineComment,
    /// Both start bytes are behind us; `/*/` is not a whole comment.
    BlockComment {
        star: bool,
    },
}

fn without_comments(text: &str) -> Result<Vec<u8>, ManifestError> {
    let mut plain = Vec::with_capacity(text.len());
    let mut inside = Inside::Plain;
    let mut depth = 0usize;
    let (mut line, mut column) = (1usize, 0usize);
    let mut comment_start = (line, column);
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        column += 1;
        if byte == b'\n' {
            (line, column) = (line + 1, 0);
        }
        let was_comment = matches!(inside, Inside::LineComment | Inside::BlockComment { .. });
        match inside {
            Inside::Plain => match byte {
                b'"' => inside = Inside::Text,
                b'/' if matches!(bytes.peek(), Some(b'/' | b'*')) => {
                    comment_start = (line, column);
                    inside = match bytes.next() {
                        Some(b'/') => Inside::LineComment,
                        _ => Inside::BlockComment { star: false },
                    };
                    column += 1;
                    plain.extend_from_slice(b"  ");
                    continue;
                }
                b'[' | b'{' => {
                    depth += 1;
                    if depth > MAX_MANIFEST_DEPTH {
                        return Err(ManifestError::of_text(format!(
                            "Manifest is nested too deeply (line {line}, column {column}): \
                             the limit is {MAX_MANIFEST_DEPTH} levels."
                        )));
                    }
                }
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            },
            Inside::Text => match byte {
                b'"' => inside = Inside::Plain,
                b'\\' => inside = Inside::TextAfterBackslash,
                _ => {}
            },
            Inside::TextAfterBackslash => inside = Inside::Text,
            Inside::LineComment => {
                if matches!(byte, b'\n' | b'\r') {
                    inside = Inside::Plain;
                }
            }
            Inside::BlockComment { star } => {
                inside = if star && byte == b'/' {
                    Inside::Plain
                } else {
                    Inside::BlockComment { star: byte == b'*' }
                };
            }
        }
        let keep = !was_comment || matches!(byte, b'\n' | b'\r');
        plain.push(if keep { byte } else { b' ' });
    }
    if let Inside::BlockComment { .. } = inside {
        let (line, column) = comment_start;
        return Err(syntax_error(line, column, "comment without an end"));
    }
    Ok(plain)
}
