use super::*;
use crate::crypto::KeyPair;
use crate::engine::Crypto;

const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

struct One {
    key: PublicKey,
    streams: Streams,
    files: Arc<Files>,
    worked: UnboundedReceiver<Worked>,
}

impl One {
    fn new(number: u8) -> Self {
        let secret = Secret([number; 32]);
        let files = Arc::new(Files::open(None, 256 << 20).unwrap());
        let (done, worked) = unbounded_channel();
        let streams = Streams::start(&secret, Arc::clone(&files), done).unwrap();
        Self { key: KeyPair::new(&secret).public_key(), streams, files, worked }
    }

    fn serve(&self, to: &[&Self]) {
        self.streams.work(Work::Serve { to: to.iter().map(|one| one.key).collect() });
    }

    fn put(&self, value: &[u8]) -> ValueHash {
        let hash = ValueHash::of(value);
        self.files.write(hash, &value.into()).unwrap();
        hash
    }

    fn address(&self) -> SocketAddrV4 {
        SocketAddrV4::new(LOOPBACK, self.streams.port())
    }

    async fn fetch(
        &mut self,
        (from, address): (PublicKey, SocketAddrV4),
        hash: ValueHash,
        size: u32,
    ) -> Result<Arc<[u8]>, bool> {
        self.streams.work(Work::Fetch { job: Job(7), from, address, hash, size });
        loop {
            if let Worked::Fetched(job, got) = self.next().await {
                assert_eq!(job, Job(7));
                return got;
            }
        }
    }

    async fn next(&mut self) -> Worked {
        timeout(Duration::from_secs(60), self.worked.recv()).await.expect("in time").unwrap()
    }
}

#[tokio::test]
async fn a_value_comes_whole_from_who_serves_us() {
    let (mut one, mut other) = (One::new(1), One::new(2));
    other.serve(&[&one]);
    let at = (other.key, other.address());
    for size in [1, 2, 60_000, VALUE_MAX] {
        let value: Vec<u8> = (0..size).map(|n| (n * n % 251) as u8).collect();
        let hash = other.put(&value);
        let got = one.fetch(at, hash, u32::try_from(size).unwrap()).await.unwrap();
        assert!(*got == *value, "{size}");
        assert_eq!(other.next().await, Worked::Served);
    }
}

#[tokio::test]
async fn who_is_not_served_gets_nothing() {
    let (mut one, mut stranger, other) = (One::new(1), One::new(3), One::new(2));
    let hash = other.put(b"private");
    let at = (other.key, other.address());
    assert_eq!(stranger.fetch(at, hash, 7).await, Err(false), "nobody is served yet");
    other.serve(&[&one]);
    assert_eq!(stranger.fetch(at, hash, 7).await, Err(false));
    assert!(one.fetch(at, hash, 7).await.is_ok());
    other.serve(&[]);
    assert_eq!(one.fetch(at, hash, 7).await, Err(false), "also in a connection that is open");
}

#[tokio::test]
async fn what_is_not_there_or_not_right_does_not_come() {
    let (mut one, other) = (One::new(1), One::new(2));
    other.serve(&[&one]);
    let at = (other.key, other.address());
    let hash = other.put(b"a value");
    assert_eq!(one.fetch(at, ValueHash([9; 32]), 7).await, Err(false), "not there");
    assert_eq!(one.fetch(at, hash, 6).await, Err(true), "longer than said");
    assert_eq!(one.fetch(at, hash, 8).await, Err(true), "shorter than said");
    assert_eq!(one.fetch((PublicKey([5; 32]), other.address()), hash, 7).await, Err(false), "another key");
    let nobody = SocketAddrV4::new(LOOPBACK, 9);
    let stranger = KeyPair::new(&Secret([6; 32])).public_key();
    assert_eq!(one.fetch((stranger, nobody), hash, 7).await, Err(false), "nobody there");
    assert_eq!(one.fetch((other.key, SocketAddrV4::new(LOOPBACK, 0)), hash, 7).await, Err(false), "no port");
    assert_eq!(one.fetch(at, hash, u32::MAX).await, Err(false), "larger than a value");
    assert!(one.fetch(at, hash, 7).await.is_ok());
}

/// Answers with all but the value.
async fn lie(endpoint: Endpoint, value: Vec<u8>) {
    let mut turn = 0_usize;
    while let Some(incoming) = endpoint.accept().await {
        let Ok(connection) = incoming.accept().unwrap().await else { continue };
        while let Ok((mut send, mut receive)) = connection.accept_bi().await {
            let _ = receive.read_to_end(32).await;
            turn += 1;
            let mut lie = value.clone();
            match turn % 5 {
                0 | 1 => lie[turn / 8 % value.len()] ^= 1 << (turn % 8),
                2 => lie.truncate(turn % value.len()),
                3 => lie.extend_from_slice(&value[..=turn % value.len()]),
                _ => lie = vec![0; turn % (2 * value.len())],
            }
            let _ = send.write_all(&lie).await;
            let _ = if turn.is_multiple_of(7) { send.reset(REFUSED).ok() } else { send.finish().ok() };
        }
    }
}

#[tokio::test]
async fn a_liar_is_never_believed() {
    let (endpoint, port) = open(SecretKey::from_bytes(&[4; 32])).await.unwrap();
    let key = PublicKey(*endpoint.id().as_bytes());
    let value: Vec<u8> = (0..=255).collect();
    let hash = ValueHash::of(&value);
    let liar = tokio::spawn(lie(endpoint, value));
    let mut one = One::new(1);
    let at = (key, SocketAddrV4::new(LOOPBACK, port));
    let mut broken = 0;
    for turn in 0..2_000 {
        match one.fetch(at, hash, 256).await {
            Ok(_) => panic!("turn {turn}"),
            Err(came) => broken += usize::from(came),
        }
    }
    assert!(broken > 1_000, "{broken}");
    liar.abort();
}
