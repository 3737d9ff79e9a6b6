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
    "PEER <who>                     all that is known of somebody",
    "VERIFY <who>                   compare digits, so that nobody can take that name",
    "BLOCK <who>, MUTE <who>        see nothing of somebody, or no posts; UNBLOCK, UNMUTE",
    "HISTORY [<who>] [<count>]      what was said; HISTORY UNREAD: what you have not seen",
    "SEARCH <words>                 what was said with these words",
    "WHOAMI                         who you are",
    "WEB                            all of this as a page in your browser",
    "VERBOSE                        show every message as it comes and goes; again: no longer",
    "HELP, HELP ALL, QUIT",
    "<who> is a name, an id, the beginning of one, a display name in quotes, or bob#7f3a.",
];

/// What HELP ALL shows besides.
pub(super) const RARE: &[&str] = &[
    "DISCOVER                       announce yourself now, and ask everyone to answer",
    "ADD <link>|<host>[:<port>]     look for somebody whom broadcasts do not find",
    "LIST ALL                       the blocked ones and all newcomers, too",
    "TRUST <who>                    accept a new key, or write to somebody who has none any more",
    "CONTACTS                       whom you know by key, here or not",
    "FORGET <who>                   remove all that was said with somebody from the history",
    "QUIET [on|off]                 no notifications of the desktop; again: show them",
    "STATS                          what was sent, received and dropped",
    "FOLLOW <who>, UNFOLLOW <who>   some older clients show posts only to those who follow",
];
