//! What the page asks, for programs.

use axum::body::Body;
use axum::http::Method;

use super::super::{
    AboutObject, ConversationObject, DoctorObject, DoneObject, EntryObject, NetworkObject, PeerObject, ProbeRequest,
    ReachRequest, ReachedObject, SettingRequest, SettingsObject, TrafficObject, WhoQuery,
};
use super::{Client, ClientError, NOTHING, object};

impl Client {
    /// Our interfaces, and who is heard how.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn network(&self) -> Result<NetworkObject, ClientError> {
        self.get("/api/network", NOTHING).await
    }

    /// What came and went, was dropped, tried again and kept, now and over the last hour.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn traffic(&self) -> Result<TrafficObject, ClientError> {
        self.get("/api/traffic", NOTHING).await
    }

    /// What was said to everyone, and with whom, the newest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn conversations(&self) -> Result<Vec<ConversationObject>, ClientError> {
        self.get("/api/conversations", NOTHING).await
    }

    /// Somebody in full, or ourselves.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn about(&self, who: Option<&str>) -> Result<AboutObject, ClientError> {
        self.get("/api/about", Some(&WhoQuery { who: who.map(str::to_owned) })).await
    }

    /// What is wrong with the network, for everyone or for one. Takes some seconds.
    ///
    /// # Errors
    /// [`ClientError`]; 429 while it looks for somebody else.
    pub async fn doctor(&self, who: Option<&str>) -> Result<DoctorObject, ClientError> {
        self.get("/api/doctor", Some(&WhoQuery { who: who.map(str::to_owned) })).await
    }

    /// The configuration file, and what holds.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn settings(&self) -> Result<SettingsObject, ClientError> {
        self.get("/api/settings", NOTHING).await
    }

    /// Changes one key of the configuration file.
    ///
    /// # Errors
    /// [`ClientError`]; the file is as it was when it is refused.
    pub async fn change_setting(&self, change: &SettingRequest) -> Result<SettingsObject, ClientError> {
        self.put(Method::PATCH, "/api/settings", change).await
    }

    /// Looks for somebody by a link, an address or a host name, for up to 3 s.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn reach(&self, to: &str) -> Result<ReachedObject, ClientError> {
        self.put(Method::POST, "/api/reach", &ReachRequest { to: to.to_owned() }).await
    }

    /// Asks somebody who is here to answer, and measures the way there and back, for up to 2 s.
    ///
    /// # Errors
    /// [`ClientError`]; 504 when nothing came back.
    pub async fn probe(&self, who: &str) -> Result<PeerObject, ClientError> {
        self.put(Method::POST, "/api/probe", &ProbeRequest { who: who.to_owned() }).await
    }

    /// A way for a browser to come in, once.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn entry(&self) -> Result<EntryObject, ClientError> {
        object(self.ask(Method::POST, "/api/entry", None, Body::empty()).await?).await
    }

    /// Lets no browser in any more that is in, or could come back.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn lock(&self) -> Result<(), ClientError> {
        object::<DoneObject>(self.ask(Method::DELETE, "/api/entry", None, Body::empty()).await?).await.map(|_| ())
    }
}
