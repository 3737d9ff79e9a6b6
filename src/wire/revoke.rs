//! `REVOKE` without a TOKEN: how some older clients say goodbye (protocol.md §4.8). We never send one.

use super::{DecodeError, Extension, Lines, UserId};

/// An older client ends.
///
/// # Format
/// `USER_ID` (needed).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoke<'a> {
    /// Who ends.
    pub user_id: UserId<'a>,
}

impl<'a> Revoke<'a> {
    /// `None` for a REVOKE of one token, which is no goodbye.
    pub(super) fn decode(lines: &mut Lines<'a>, ext: &mut Extension) -> Result<Option<Self>, DecodeError> {
        let mut user_id = None;
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "USER_ID" => user_id = Some(value),
                _ => ext.take(key, value),
            }
        }
        if ext.token {
            return Ok(None);
        }
        let user_id = user_id.ok_or(DecodeError::Missing("USER_ID"))?;
        Ok(Some(Self { user_id: UserId::new(user_id).ok_or(DecodeError::Bad("USER_ID"))? }))
    }
}
