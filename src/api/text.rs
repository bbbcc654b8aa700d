//! Text that came from a page.

use std::borrow::Cow;

/// The text if it has no more than `most` bytes; if it has, a beginning of it and an ellipsis.
#[must_use]
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return text.into();
    }
    let end = (0..=most).rfind(|&at| text.is_char_boundary(at)).unwrap_or_default();
    format!("{}…", &text[..end]).into()
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn it_is_cut_between_characters() {
        for (text, short) in
            [("", ""), ("abc", "abc"), ("abcd", "abc…"), ("aéé", "aé…"), ("€€", "€…")]
        {
            assert_eq!(shortened(text, 3), short);
        }
        assert_eq!(shortened("€", 2), "…");
    }
}
