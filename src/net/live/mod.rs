//! The live Linux link.
