//! What to type, on each system.

use super::facts::Family;
use super::filter::Kind;

/// The ports that peers use besides the discovery port, as a firewall writes them.
pub(super) const USUAL: (u16, u16) = (8000, 9999);

/// Opens the ports on this computer, in the firewall that drops.
pub(super) fn open(kind: Kind, table: &str, chain: &str, discovery: u16, own: (u16, u16)) -> Vec<String> {
    let range = |dash: char| if own.0 == own.1 { own.0.to_string() } else { format!("{}{dash}{}", own.0, own.1) };
    match kind {
        Kind::Ufw => vec![format!("sudo ufw allow {discovery}/udp"), format!("sudo ufw allow {}/udp", range(':'))],
        Kind::Firewalld => vec![
            format!("sudo firewall-cmd --permanent --add-port={discovery}/udp --add-port={}/udp", range('-')),
            "sudo firewall-cmd --reload".to_owned(),
        ],
        Kind::Nft => vec![
            format!("sudo nft insert rule {table} {chain} udp dport '{{ {discovery}, {} }}' accept", range('-')),
            "To keep it over a restart, add the same line to /etc/nftables.conf.".to_owned(),
        ],
        Kind::Iptables => vec![
            format!("sudo {table} -I {chain} -p udp -m multiport --dports {discovery},{} -j ACCEPT", range(':')),
            "To keep it over a restart, save the rules (Debian: sudo netfilter-persistent save).".to_owned(),
        ],
    }
}

/// Opens the ports on this computer, where it is not known which firewall drops.
pub(super) fn open_somehow(family: Family, discovery: u16) -> Vec<String> {
    let (first, last) = USUAL;
    match family {
        Family::Linux => vec![
            "sudo peer doctor        (as root it reads the firewall's rules and names the command)".to_owned(),
            format!("sudo ufw allow {discovery}/udp; sudo ufw allow {first}:{last}/udp        (where ufw is used)"),
        ],
        Family::Windows => vec![windows(discovery)],
        Family::MacOs => vec![MACOS.to_owned()],
        Family::Other => vec![format!("Let UDP in at the ports {discovery} and {first} to {last}.")],
    }
}

/// Opens the ports on another computer.
pub(super) fn open_there(discovery: u16) -> Vec<String> {
    let (first, last) = USUAL;
    vec![
        "On that computer run: sudo peer doctor        (it names the command for its firewall). Or type there:"
            .to_owned(),
        format!("Linux:    sudo ufw allow {discovery}/udp; sudo ufw allow {first}:{last}/udp"),
        format!("Windows:  {}", windows(discovery)),
        format!("macOS:    {MACOS}"),
    ]
}

fn windows(discovery: u16) -> String {
    let (first, last) = USUAL;
    format!(
        "netsh advfirewall firewall add rule name=peer dir=in action=allow protocol=UDP \
         localport={discovery},{first}-{last}        (as administrator)"
    )
}

const MACOS: &str =
    "sudo /usr/libexec/ApplicationFirewall/socketfilterfw --add \"$(which peer)\" --unblockapp \"$(which peer)\"";

/// The discovery port is another program's.
pub(super) fn free_port(family: Family, port: u16) -> String {
    match family {
        Family::Linux => format!("sudo ss -ulpn 'sport = :{port}'        (names the program)"),
        Family::Windows => format!("netstat -abn -p UDP | findstr {port}        (names the program)"),
        Family::MacOs | Family::Other => format!("sudo lsof -nP -iUDP:{port}        (names the program)"),
    }
}

/// Brings an interface up.
pub(super) fn connect(family: Family, name: Option<&str>) -> Vec<String> {
    let mut steps = vec!["Connect to a Wi-Fi, or plug in a network cable.".to_owned()];
    if let (Family::Linux, Some(name)) = (family, name) {
        steps.push(format!("sudo ip link set {name} up        (where it is only switched off)"));
    }
    steps
}

/// What keeps peers apart on a network where nothing here is wrong.
pub(super) fn alone() -> Vec<String> {
    vec![
        "Start `peer` on another computer of the same network, and run `peer doctor` there.".to_owned(),
        "If one runs there: guest Wi-Fis often keep their guests apart (\"AP isolation\", \"client isolation\"); use \
         another Wi-Fi or a cable."
            .to_owned(),
        "If it is on another network: peer --peer ITS-ADDRESS".to_owned(),
    ]
}
