//! Why a request is refused, and how that is said: as a page, as JSON, or in OpenAI's form.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use super::view;
use crate::answer::ServiceError;
use crate::document::Role;
use crate::text::Lang;

/// What the reader can do while nothing is installed.
pub(crate) const NO_DATASETS: &str =
    "データセットがまだ登録されていません。情報担当者に知らせてください。";

/// A refusal. Returned by handlers; the edge renders it, since only the path says for whom.
#[derive(Clone, Debug)]
pub(crate) enum Problem {
    Service(ServiceError),
    /// Malformed JSON: where and why.
    BadJson {
        line: usize,
        column: usize,
        why: String,
    },
    /// The body is no text, or no object.
    BadBody {
        ja: &'static str,
        en: &'static str,
    },
    /// A parameter is wrong: its name as the client wrote it, and what is wrong.
    Parameter {
        name: String,
        ja: String,
        en: String,
    },
    /// A parameter asks for what this server does not do.
    Unsupported {
        name: String,
    },
    /// The model is installed but not the one in use.
    ModelNotInUse(String),
    MediaType {
        expected: &'static str,
    },
    TooLarge {
        bytes_max: usize,
    },
    /// The body did not arrive in time.
    TooSlow,
    NoRoute,
    WrongMethod,
    NoPassage,
    /// No data set is installed yet.
    NoDatasets,
    NoKey,
    /// Nobody is signed in, or the session has run out.
    SignIn,
    /// The person lacks this role.
    NotAllowed {
        role: Role,
    },
    /// The password was chosen by somebody else and is still to be changed.
    ChangePassword,
    /// The database does not answer.
    NoStore,
    /// Asked for under a foreign name, at this port; `None` is the usual one. `secure` is https.
    WrongHost {
        secure: bool,
        port: Option<u16>,
    },
    WrongOrigin,
    NotImplemented {
        what: &'static str,
    },
    /// An update or a roll-back that is not done: why, and what to do.
    Update {
        status: StatusCode,
        code: &'static str,
        ja: String,
        en: String,
    },
    /// Files that were not taken: which, why, and what to do.
    Upload {
        ja: String,
        en: String,
    },
    /// A record that cannot be kept, read or reviewed.
    Record {
        status: StatusCode,
        code: &'static str,
        ja: String,
        en: String,
    },
    /// An assistant that is not there, not sound, or was changed meanwhile.
    Assistant {
        status: StatusCode,
        code: &'static str,
        ja: String,
        en: String,
    },
}

/// For whom a refusal is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// A person with a browser.
    Page,
    /// The page's script, which shows the message.
    Json,
    /// A client of the OpenAI API.
    OpenAi,
}

impl Audience {
    /// The audience of a path.
    pub(crate) fn of(path: &str) -> Self {
        let under = |prefix| path == prefix || path.starts_with(&format!("{prefix}/"));
        if under("/v1") {
            Self::OpenAi
        } else if under("/api") || path == "/healthz" || path == "/metrics" {
            Self::Json
        } else {
            Self::Page
        }
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

/// Carries the problem to the edge, with the status already right.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl Problem {
    /// A parameter that is wrong, said in both languages.
    pub(crate) fn parameter(name: &str, ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Parameter { name: name.to_owned(), ja: ja.into(), en: en.into() }
    }

    /// The status and the code by which a program tells problems apart.
    fn class(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Service(error) => service_class(error),
            Self::BadJson { .. } => (StatusCode::BAD_REQUEST, "invalid_json"),
            Self::BadBody { .. } => (StatusCode::BAD_REQUEST, "invalid_body"),
            Self::Parameter { .. } => (StatusCode::BAD_REQUEST, "invalid_parameter"),
            Self::Unsupported { .. } => (StatusCode::BAD_REQUEST, "unsupported_parameter"),
            Self::ModelNotInUse(_) => (StatusCode::NOT_FOUND, "model_not_found"),
            Self::MediaType { .. } => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
            }
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "request_too_large"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "request_timeout"),
            Self::NoRoute => (StatusCode::NOT_FOUND, "not_found"),
            Self::WrongMethod => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::NoPassage => (StatusCode::NOT_FOUND, "passage_not_found"),
            Self::NoKey => (StatusCode::UNAUTHORIZED, "invalid_api_key"),
            Self::SignIn => (StatusCode::UNAUTHORIZED, "sign_in_required"),
            Self::NotAllowed { .. } => (StatusCode::FORBIDDEN, "not_allowed"),
            Self::ChangePassword => (StatusCode::FORBIDDEN, "password_change_required"),
            Self::NoStore => (StatusCode::SERVICE_UNAVAILABLE, "database_failed"),
            Self::NoDatasets => (StatusCode::SERVICE_UNAVAILABLE, "no_datasets"),
            Self::WrongHost { .. } => (StatusCode::FORBIDDEN, "wrong_host"),
            Self::WrongOrigin => (StatusCode::FORBIDDEN, "wrong_origin"),
            Self::NotImplemented { .. } => (StatusCode::NOT_IMPLEMENTED, "not_implemented"),
            Self::Upload { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "upload_refused"),
            Self::Update { status, code, .. }
            | Self::Record { status, code, .. }
            | Self::Assistant { status, code, .. } => (*status, code),
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.class().0
    }

    /// For the reader, in their language.
    pub(crate) fn message(&self, lang: Lang) -> String {
        let (ja, en) = match self {
            Self::Service(error) => return error.message(lang),
            Self::BadJson { line, column, why } => {
                let ja = format!("JSONの{line}行{column}文字目が正しくありません（{why}）。");
                (ja, format!("The request body is not valid JSON: {why}."))
            }
            Self::BadBody { ja, en } => ((*ja).to_owned(), (*en).to_owned()),
            Self::Parameter { name, ja, en } => {
                (format!("{}：{ja}", label(name)), format!("Invalid value for '{name}': {en}."))
            }
            Self::Unsupported { name } => (
                format!("{name}のこの指定には対応していません。"),
                format!("The value given for '{name}' is not supported by this server."),
            ),
            Self::ModelNotInUse(name) => (
                format!("モデル「{name}」は登録されていますが、いまは使われていません。"),
                format!("The model '{name}' is installed but not in use; name 'default' instead."),
            ),
            Self::MediaType { expected } => (
                format!("Content-Typeは{expected}にしてください。"),
                format!("Content-Type must be {expected}."),
            ),
            Self::TooLarge { bytes_max } => (
                format!("送られた内容が長すぎます（{bytes_max}バイトまで）。"),
                format!("The request body is larger than {bytes_max} bytes."),
            ),
            Self::WrongHost { secure, port } => {
                let scheme = if *secure { "https" } else { "http" };
                let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                let url = format!("{scheme}://127.0.0.1{port}/");
                let en = "The Host header must name this computer by a loopback address";
                (
                    format!("このアドレスからは使えません。 {url} で開いてください。"),
                    format!("{en}: use {url}."),
                )
            }
            Self::NotImplemented { what } => {
                let en = format!("{what} is not implemented: no installed model serves it.");
                (format!("{what}にはまだ対応していません。"), en)
            }
            Self::NotAllowed { role } => (
                format!(
                    "この画面と操作を使えるのは、{}です。必要なときは、情報担当者に相談してください。",
                    match role {
                        Role::Reviewer => "確認者と管理者",
                        Role::Staff | Role::Admin => role.label(),
                    }
                ),
                format!("This needs the role '{}'.", role.name()),
            ),
            Self::Update { ja, en, .. }
            | Self::Upload { ja, en }
            | Self::Record { ja, en, .. }
            | Self::Assistant { ja, en, .. } => (ja.clone(), en.clone()),
            fixed => {
                let (ja, en) = fixed.fixed_message();
                (ja.to_owned(), en.to_owned())
            }
        };
        if lang == Lang::Ja { ja } else { en }
    }

    /// Messages that depend on nothing: (Japanese, English).
    fn fixed_message(&self) -> (&'static str, &'static str) {
        match self {
            Self::TooSlow => (
                "内容が時間内に届きませんでした。もう一度お試しください。",
                "The request body did not arrive in time.",
            ),
            Self::WrongMethod => {
                ("この操作はできません。", "This method is not allowed for this path.")
            }
            Self::NoPassage => (
                "その該当箇所は見つかりませんでした。資料が更新された可能性があります。",
                "There is no such passage.",
            ),
            Self::NoKey => (
                "ログインが必要です。",
                "A valid access key is required: send it as 'Authorization: Bearer KEY'.",
            ),
            Self::SignIn => (
                "ログインしていないか、ログインの有効期限が切れました。画面を開き直してログインしてください。",
                "Nobody is signed in, or the session has ended.",
            ),
            Self::ChangePassword => (
                "先に、パスワードを新しいものに変更してください。",
                "The password has to be changed first.",
            ),
            Self::NoStore => (
                "利用者の情報を読み書きできません。時間をおいてもう一度お試しください。続くときは情報担当者に知らせてください。",
                "The database does not answer.",
            ),
            Self::NoDatasets => (NO_DATASETS, "No data set is installed."),
            Self::WrongOrigin => (
                "ほかの画面からの送信は受け付けていません。質問の画面を開き直してください。",
                "Requests from pages of another origin are refused.",
            ),
            _ => ("そのページはありません。", "There is no such path."),
        }
    }

    /// The parameter that is wrong, by its name in the request.
    fn parameter_name(&self) -> Option<&str> {
        match self {
            Self::Parameter { name, .. } | Self::Unsupported { name } => Some(name),
            Self::ModelNotInUse(_) | Self::Service(ServiceError::UnknownModel(_)) => Some("model"),
            Self::Service(ServiceError::UnknownDataset(_)) => Some("kura.datasets"),
            Self::Service(ServiceError::Invalid { parameter, .. }) => Some(parameter),
            _ => None,
        }
    }

    /// OpenAI's error object.
    pub(crate) fn openai(&self) -> Value {
        let (status, code) = self.class();
        let kind = match status {
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            StatusCode::NOT_IMPLEMENTED => "not_implemented",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request_error",
        };
        let message = self.message(Lang::En);
        json!({"error": {
            "message": message, "type": kind, "param": self.parameter_name(), "code": code,
        }})
    }

    /// Says when to come back, where waiting helps.
    pub(crate) fn set_retry_after(&self, headers: &mut HeaderMap) {
        if let Self::Service(ServiceError::Busy { retry_after_s }) = self {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_s));
        }
    }

    /// The response for its audience.
    pub(crate) fn render(&self, audience: Audience) -> Response {
        let (status, code) = self.class();
        let mut response = match audience {
            Audience::OpenAi => (status, Json(self.openai())).into_response(),
            Audience::Json => {
                let message = self.message(Lang::Ja);
                let error = json!({"error": {"code": code, "message": message}});
                (status, Json(error)).into_response()
            }
            Audience::Page => {
                let page = view::error_page(status.as_u16(), &self.message(Lang::Ja));
                (status, Html(page)).into_response()
            }
        };
        self.set_retry_after(response.headers_mut());
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

/// A parameter as the page calls it, where it has a name there.
fn label(name: &str) -> &str {
    match name {
        "question" | "query" | "q" => "質問",
        "datasets" => "使うデータセット",
        "uploads" => "手元の資料",
        "file" => "ファイル",
        "operator" => "作業者",
        "approver" => "承認者",
        "media" => "媒体番号",
        name => name,
    }
}

fn service_class(error: &ServiceError) -> (StatusCode, &'static str) {
    match error {
        ServiceError::Busy { .. } => (StatusCode::TOO_MANY_REQUESTS, "queue_full"),
        ServiceError::NoModel(_) => (StatusCode::SERVICE_UNAVAILABLE, "no_model"),
        ServiceError::UnknownModel(_) => (StatusCode::NOT_FOUND, "model_not_found"),
        ServiceError::UnknownDataset(_) => (StatusCode::NOT_FOUND, "dataset_not_found"),
        ServiceError::TooLong { .. } => (StatusCode::BAD_REQUEST, "context_length_exceeded"),
        ServiceError::Invalid { .. } => (StatusCode::BAD_REQUEST, "invalid_parameter"),
        ServiceError::PersonalData { .. } => (StatusCode::BAD_REQUEST, "personal_data"),
        ServiceError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        ServiceError::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    }
}
