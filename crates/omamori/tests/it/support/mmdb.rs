//! Small files in MaxMind's format, version 2.0: who a network `n.0.0.0/8` belongs to, or in which
//! country it is. <https://maxmind.github.io/MaxMind-DB/>

/// A full tree of eight levels.
const NODES: u32 = 255;
/// Numbers that are one byte long here.
const UINT16: u8 = 0xa1;
const UINT32: u8 = 0xc1;

/// The numbers of autonomous systems.
pub fn owners(of: &[(u8, u32)]) -> Vec<u8> {
    let record = |number: u32| {
        let mut bytes = vec![0xe1]; // a map of one
        text(&mut bytes, "autonomous_system_number");
        bytes.push(0xc4); // uint32
        bytes.extend(number.to_be_bytes());
        bytes
    };
    file("Test-ASN", of.iter().map(|(octet, number)| (*octet, record(*number))))
}

/// Countries, as GeoLite2 has them.
pub fn countries(of: &[(u8, &str)]) -> Vec<u8> {
    let record = |country: &str| {
        let mut bytes = vec![0xe1];
        text(&mut bytes, "country");
        bytes.push(0xe1);
        text(&mut bytes, "iso_code");
        text(&mut bytes, country);
        bytes
    };
    file("Test-Country", of.iter().map(|(octet, country)| (*octet, record(country))))
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).unwrap();
    if length < 29 {
        bytes.push(0x40 | length);
    } else {
        bytes.extend([0x5d, length - 29]);
    }
    bytes.extend(text.as_bytes());
}

fn file(kind: &str, records: impl Iterator<Item = (u8, Vec<u8>)>) -> Vec<u8> {
    let mut data = Vec::new();
    let mut leaves = [NODES; 256]; // nothing is known
    for (octet, record) in records {
        leaves[usize::from(octet)] = NODES + 16 + u32::try_from(data.len()).unwrap();
        data.extend(record);
    }
    let mut bytes = Vec::new();
    for child in 1..=2 * NODES {
        let leaf = |number: u32| leaves[usize::try_from(number).unwrap()];
        let value = if child < NODES { child } else { leaf(child - NODES) };
        bytes.extend(&value.to_be_bytes()[1..]);
    }
    bytes.extend([0; 16]); // between tree and data
    bytes.extend(data);
    bytes.extend(b"\xab\xcd\xefMaxMind.com");
    bytes.push(0xe9); // a map of nine
    for (name, size, value) in [
        ("binary_format_major_version", UINT16, 2),
        ("binary_format_minor_version", UINT16, 0),
        ("ip_version", UINT16, 4),
        ("record_size", UINT16, 24),
        ("node_count", UINT32, 255),
    ] {
        text(&mut bytes, name);
        bytes.extend([size, value]);
    }
    text(&mut bytes, "build_epoch");
    bytes.extend([0x01, 0x02, 1]); // uint64
    text(&mut bytes, "database_type");
    text(&mut bytes, kind);
    text(&mut bytes, "description");
    bytes.push(0xe0); // an empty map
    text(&mut bytes, "languages");
    bytes.extend([0x00, 0x04]); // an empty array
    bytes
}
