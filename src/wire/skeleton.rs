//! What a name looks like (UTS 39).

/// The form in which names that look alike are the same: other letters' case, other alphabets, marks left out.
#[must_use]
pub fn skeleton(name: &str) -> String {
    let lower: String = unicode_security::confusable_detection::skeleton(name).flat_map(char::to_lowercase).collect();
    // A capital may look like something else than its small letter does.
    unicode_security::confusable_detection::skeleton(&lower).collect()
}
