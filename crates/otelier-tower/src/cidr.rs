use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A network of IP addresses, such as `10.0.0.0/8`, `2001:db8::/32` or a bare address.
///
/// An IPv4 network contains the same addresses as IPv6 has them (`::ffff:10.0.0.1`), which is how a
/// socket for both sees an IPv4 peer. An IPv6 network contains no IPv4 address.
///
/// ```
/// use otelier_tower::Cidr;
///
/// let network: Cidr = "10.0.0.0/8".parse()?;
/// assert!(network.contains("10.1.2.3".parse()?));
/// assert!(network.contains("::ffff:10.1.2.3".parse()?));
/// assert!(!network.contains("11.0.0.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// Whether the address is in this network.
    pub fn contains(&self, address: IpAddr) -> bool {
        let is_ipv4 = self.address.is_ipv4();
        let prefix = self.prefix + if is_ipv4 { 96 } else { 0 };
        let differing = bits(self.address) ^ bits(address);
        is_ipv4 == address.to_canonical().is_ipv4()
            && differing.leading_zeros() >= u32::from(prefix)
    }

    pub(crate) fn any(networks: &[Self], address: IpAddr) -> bool {
        networks.iter().any(|network| network.contains(address))
    }
}

/// The address as IPv6 has it.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl FromStr for Cidr {
    type Err = InvalidCidr;

    fn from_str(text: &str) -> Result<Self, InvalidCidr> {
        parse(text).ok_or(InvalidCidr(()))
    }
}

fn parse(text: &str) -> Option<Cidr> {
    let (address, digits) = match text.split_once('/') {
        Some((address, digits)) => (address, Some(digits)),
        None => (text, None),
    };
    let written: IpAddr = address.parse().ok()?;
    let longest = if written.is_ipv4() { 32 } else { 128 };
    let prefix = match digits {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
        Some(_) => return None,
        None => longest,
    };
    // An IPv4 network in the words of IPv6 is the IPv4 network.
    let address = written.to_canonical();
    let surplus = if address == written { 0 } else { 96 };
    (surplus..=longest).contains(&prefix).then(|| Cidr {
        address,
        prefix: prefix - surplus,
    })
}

/// A text that is not a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidCidr(());

impl fmt::Display for InvalidCidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "invalid network: it must be an IP address, alone or with a prefix length, as in 10.0.0.0/8",
        )
    }
}

impl std::error::Error for InvalidCidr {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_network_contains_the_addresses_of_its_prefix() {
        for (network, inside, outside) in [
            (
                "10.0.0.0/8",
                &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"][..],
                &["11.0.0.0", "9.255.255.255", "::a00:1", "::1"][..],
            ),
            ("10.1.2.3/8", &["10.9.9.9"], &["11.1.2.3"]),
            (
                "192.0.2.1",
                &["192.0.2.1", "::ffff:192.0.2.1"],
                &["192.0.2.0"],
            ),
            ("192.0.2.0/31", &["192.0.2.0", "192.0.2.1"], &["192.0.2.2"]),
            (
                "0.0.0.0/0",
                &["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"],
                &["::", "2001:db8::1"],
            ),
            ("::1/128", &["::1"], &["::2", "127.0.0.1"]),
            (
                "2001:db8::/32",
                &["2001:db8::", "2001:db8:ffff::1"],
                &["2001:db9::"],
            ),
            (
                "::/0",
                &["::", "2001:db8::1"],
                &["10.0.0.1", "::ffff:10.0.0.1"],
            ),
            (
                "::ffff:10.0.0.0/104",
                &["10.1.2.3", "::ffff:10.1.2.3"],
                &["11.0.0.0", "::1"],
            ),
        ] {
            let parsed: Cidr = network.parse().unwrap();
            for address in inside {
                assert!(
                    parsed.contains(address.parse().unwrap()),
                    "{network} {address}"
                );
            }
            for address in outside {
                assert!(
                    !parsed.contains(address.parse().unwrap()),
                    "{network} {address}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_a_network_is_refused() {
        for text in [
            "",
            "/",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "10.0.0.0/ 8",
            "10.0.0/8",
            "localhost",
            "[::1]",
            "fe80::1%eth0",
            "10.0.0.0/300",
            "::ffff:10.0.0.0/95",
        ] {
            assert_eq!(text.parse::<Cidr>(), Err(InvalidCidr(())), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*|[0-9a-f.:/]{0,20}", address: IpAddr) {
            if let Ok(network) = text.parse::<Cidr>() {
                let _ = network.contains(address);
            }
        }

        #[test]
        fn an_address_is_in_each_network_that_it_begins(address: IpAddr, prefix in 0u8..=128) {
            if let Ok(network) = format!("{address}/{prefix}").parse::<Cidr>() {
                prop_assert!(network.contains(address));
            }
        }
    }
}
