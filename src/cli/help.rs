//! The text of HELP.

/// What HELP shows; the part for HELP ALL stands after it.
pub(super) const HELP: &[&str] = &[
    "LIST                           who is here",
    "POST <text>                    tell everyone",
    "DM <who> <text>                tell one",
    "PROFILE <name> [| <status>]    what you are called, and a line about you",
    "AVATAR <file>|none             your picture: PNG or JPEG, at most 20,480 bytes",
    "AVATAR <who> [save FILE]       somebody's picture",
    "PEERS <who>                    ask somebody whom they know",
    "WHOAMI                         who you are",
    "VERBOSE                        show every message as it comes and goes; again: no longer",
    "HELP, HELP ALL, QUIT",
    "<who> is a name, an id, the beginning of one, or a display name in quotes.",
];

/// What HELP ALL shows besides.
pub(super) const RARE: &[&str] = &[
    "DISCOVER                       announce yourself now, and ask everyone to answer",
    "STATS                          what was sent, received and dropped",
    "FOLLOW <who>, UNFOLLOW <who>   some older clients show posts only to those who follow",
];
