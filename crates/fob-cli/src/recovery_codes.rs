//! Recovery codes, as they are printed for their owner.

use fob_store::NewCodes;
use zeroize::Zeroizing;

/// The codes for a person to write down.
pub(crate) fn page(codes: &NewCodes, name: &str) -> Zeroizing<String> {
    let mut page = Zeroizing::new(format!(
        "Recovery codes of {name}: each lets {name} in once, without a token.\n\
         Keep them apart from the phone. They are not shown again.\n"
    ));
    for text in codes.list() {
        page.push_str("\n    ");
        page.push_str(text);
    }
    page.push('\n');
    page
}
