//! Any bytes as the file of a chunk: nothing comes out but what was declared.
#![no_main]

use kura_fuzz::sync::bundle::{Base, CHUNK_BYTES_MAX, Chunk, pack, pack_against, unpack};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((head, packed)) = bytes.split_first_chunk::<4>() else { return };
    let declared = u32::from_le_bytes(*head);
    let chunk = |raw: u32, content: &[u8]| Chunk {
        hash: blake3::hash(content).to_hex().to_string(),
        raw,
        stored: packed.len() as u32,
        base: Vec::new(),
    };
    // With a name that is not its own it never comes out, whatever it declares.
    assert!(unpack(&chunk(declared, b"other"), packed, b"").is_err());
    assert!(unpack(&chunk(declared, b"other"), packed, head).is_err());
    // With its own name it comes out at its own length only.
    if let Ok(raw) = zstd::bulk::decompress(packed, CHUNK_BYTES_MAX as usize) {
        let len = raw.len() as u32;
        assert_eq!(unpack(&chunk(len, &raw), packed, b"").as_ref(), Ok(&raw));
        assert_eq!(unpack(&chunk(declared, &raw), packed, b"").is_ok(), declared == len);
    }
    // And what is packed here is unpacked.
    let (own, stored) = pack(packed).unwrap();
    assert_eq!(unpack(&own, &stored, b"").as_deref(), Ok(packed));
    let (front, back) = packed.split_at(packed.len() / 2);
    if back.is_empty() {
        return;
    }
    let base = Base { hashes: vec![blake3::hash(front).to_hex().to_string()], raw: front.into() };
    let (own, stored) = pack_against(std::slice::from_ref(&base), back).unwrap();
    let built_on = if own.base.is_empty() { &[][..] } else { front };
    assert_eq!(unpack(&own, &stored, built_on).as_deref(), Ok(back));
});
