//! Large byte strings, written and read as one type or another.

use serde_bytes::{ByteBuf, Bytes};
use sync_client::{Blob, Dict, ErrorKind, List, Manager, Queue, Shared, Value};

use crate::support::sessions;

const SIZES: [usize; 6] = [0, 1, 16 << 10, 64 << 10, 1 << 20, 5 << 20];

/// Bytes that are not the same anywhere.
fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at ^ at >> 8) as u8).collect()
}

#[test]
fn what_one_writes_as_a_blob_another_reads_as_bytes_and_the_other_way_round() {
    let (_server, [over_socket, local]) = sessions();
    for (ours, theirs) in [(&over_socket, &local), (&local, &over_socket)] {
        for size in SIZES {
            let content = bytes(size);
            let name = format!("value {size}");
            let blob = ours.named(&name).create_value(Blob::from(content.clone())).unwrap();
            let read = theirs.named(&name).create_value(ByteBuf::new()).unwrap();
            assert_eq!(read.get().unwrap(), content);
            read.set(Bytes::new(&content[size / 2..])).unwrap();
            assert_eq!(*blob.get().unwrap(), content[size / 2..]);
            blob.update(|blob| *blob = [&content[..], &[1]].concat().into()).unwrap();
            assert_eq!(read.get().unwrap(), [&content[..], &[1]].concat());
            ours.unpublish(&name).unwrap();
        }
    }
}

fn is_in_containers(manager: &Manager, content: &[u8]) {
    let blob = Blob::from(content.to_vec());
    let list: List<Blob> = manager.create_list().unwrap();
    list.extend([&blob, &Blob::from(vec![9; 3]), &blob]).unwrap();
    assert_eq!(list.count(&blob).unwrap(), 2);
    assert_eq!(list.get(-1).unwrap(), blob);
    let as_bytes = List::<ByteBuf>::attach(list.handle().clone()).unwrap();
    assert!(as_bytes.contains(Bytes::new(content)).unwrap());

    let queue: Queue<Blob> = manager.create_queue(3).unwrap();
    queue.put_many([&blob, &blob]).unwrap();
    assert_eq!(
        [queue.get().unwrap(), queue.get().unwrap()],
        [Some(blob.clone()), Some(blob.clone())]
    );

    // As a key, whichever type it was written as.
    let dict: Dict<Blob, Option<Blob>> = manager.create_dict().unwrap();
    dict.set(&blob, &Some(blob.clone())).unwrap();
    let as_bytes = Dict::<ByteBuf, Option<ByteBuf>>::attach(dict.handle().clone()).unwrap();
    assert_eq!(as_bytes.get(Bytes::new(content)).unwrap().unwrap().unwrap(), content);
    as_bytes.set(Bytes::new(content), &None).unwrap();
    assert_eq!(dict.items().unwrap(), [(blob, None)]);
}

#[test]
fn blobs_are_items_keys_and_values_as_bytes_are() {
    let (_server, managers) = sessions::<2>();
    for manager in &managers {
        SIZES.map(bytes).iter().for_each(|content| is_in_containers(manager, content));
    }
}

#[test]
fn a_blob_read_as_something_else_is_an_error_and_stays() {
    let (_server, [manager]) = sessions();
    let blob: Value<Blob> = manager.create_value(bytes(1 << 20).into()).unwrap();
    let number = Value::<u64>::attach(blob.handle().clone()).unwrap();
    let error = number.get().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongType, "{error}");
    assert!(error.message().contains("byte"), "{error}");
    assert_eq!(*blob.get().unwrap(), bytes(1 << 20));
}
