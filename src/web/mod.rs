//! HTTP: pages, JSON API, OpenAI API.
