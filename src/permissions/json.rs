//! The text of a manifest to a JSON value, with limits and clear errors.
//!
//! What Chrome takes beyond JSON is written in plain JSON first: comments are overwritten with spaces; control
//! characters in strings, `\v` and `\xHH` become `\uHHHH`. Positions in error texts are those of the original
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
    let plain = in_plain_json(text)?;
    serde_json::from_slice(&plain.text).map_err(|error| {
        let detail = error.to_string();
        let detail = detail.rsplit_once(" at line ").map_or(detail.as_str(), |(detail, _)| detail);
        let (line, column) = plain.original_place(text, error.line(), error.column());
        syntax_error(line, column, detail)
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

/// What is written behind a backslash, for what Chrome takes there.
const ESCAPES: [(u8, &str); 2] = [(b'v', "u000b"), (b'x', "u00")];

/// A text in plain JSON.
struct Plain {
    text: Vec<u8>,
    /// Where it has become longer: the offset behind that, and by how much.
    grown: Vec<(usize, usize)>,
}

impl Plain {
    /// The line and column in the original of a place that is told for this text.
    fn original_place(&self, original: &str, line: usize, column: usize) -> (usize, usize) {
        let lines = self.text.split_inclusive(|byte| *byte == b'\n');
        let offset = lines.take(line.saturating_sub(1)).map(<[u8]>::len).sum::<usize>() + column;
        let grown = self.grown.iter().take_while(|(behind, _)| *behind <= offset);
        let offset = offset - grown.map(|(_, by)| by).sum::<usize>();
        let before = original.as_bytes().get(..offset).unwrap_or(original.as_bytes());
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count();
        (before.iter().filter(|byte| **byte == b'\n').count() + 1, column)
    }

    /// Writes something in place of one byte.
    fn push_instead(&mut self, instead: &str) {
        self.text.extend_from_slice(instead.as_bytes());
        self.grown.push((self.text.len(), instead.len() - 1));
    }
}

fn in_plain_json(text: &str) -> Result<Plain, ManifestError> {
    let mut plain = Plain { text: Vec::with_capacity(text.len()), grown: Vec::new() };
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
                    plain.text.extend_from_slice(b"  ");
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
                ..b' ' => {
                    plain.push_instead(&format!("\\u{byte:04x}"));
                    continue;
                }
                _ => {}
            },
            Inside::TextAfterBackslash => {
                inside = Inside::Text;
                if let Some((_, instead)) = ESCAPES.iter().find(|(ours, _)| *ours == byte) {
                    plain.push_instead(instead);
                    continue;
                }
            }
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
        plain.text.push(if keep { byte } else { b' ' });
    }
    if let Inside::BlockComment { .. } = inside {
        let (line, column) = comment_start;
        return Err(syntax_error(line, column, "comment without an end"));
    }
    Ok(plain)
}
