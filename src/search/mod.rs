//! The index: Japanese analysis, indexer, citation resolver, searcher.
