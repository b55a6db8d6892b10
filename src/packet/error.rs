//! What can be wrong with a field or a packet. Each message names the field, what was found and what fits.

/// Why a packet could not be made, changed or built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// The layer has no such field.
    #[error("{layer} has no field \"{field}\"{hint}")]
    NoField {
        /// The layer's name.
        layer: &'static str,
        /// The name that was asked for.
        field: String,
        /// `; did you mean "dport"?`, or the list of fields.
        hint: String,
    },
    /// The value does not fit the field.
    #[error("{layer}.{field}: {what}")]
    BadValue {
        /// The layer's name.
        layer: &'static str,
        /// The field's name.
        field: &'static str,
        /// What was found, and what fits.
        what: String,
    },
    /// The packet has no such layer.
    #[error("no {wanted} in {found}")]
    NoLayer {
        /// The layer's name.
        wanted: String,
        /// The packet's layers, as `IP / UDP`.
        found: String,
    },
    /// An automatic value does not fit its field, so the packet cannot be built.
    #[error(
        "{layer}.{field}: the automatic value {value} does not fit {bits} bits; set {field} to send it all the same"
    )]
    AutoTooLarge {
        /// The layer's name.
        layer: &'static str,
        /// The field's name.
        field: &'static str,
        /// The value.
        value: u64,
        /// The field's width.
        bits: u8,
    },
}
