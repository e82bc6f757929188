use super::*;

const HEX: &str = "3132333435363738393031323334353637383930";

#[test]
fn names_and_formats_belong_to_each_other() {
    for format in Format::ALL {
        assert_eq!(Format::from_name(format.name()), Some(format));
    }
    assert_eq!(Format::from_name("sdtid"), None);
}

#[test]
fn each_format_is_known_by_its_shape() {
    let cases: [(Format, String); 21] = [
        (
            Format::GoogleAuthenticator,
            "GEZDGNBVGY3TQOJQ\n\" TOTP_AUTH\n12345678\n".into(),
        ),
        (Format::GoogleAuthenticator, "GEZD GNBV GY3T QOJQ".into()),
        (
            Format::UsersOath,
            format!("# users\nHOTP/T30\talice\t-\t{HEX}\n"),
        ),
        (
            Format::UsersOath,
            format!("HOTP/E/8 bob 1234 {HEX} 5 755224 2026-11-24T09:00:00L\n"),
        ),
        (
            Format::Pskc,
            "<?xml version='1.0'?>\n<pskc:KeyContainer Version='1.0'>".into(),
        ),
        (Format::Pskc, "\u{feff}<Keycontainer>".into()),
        (
            Format::Alpine,
            "<?xml version='1.0'?><Tokens><Token serial='1'>".into(),
        ),
        (
            Format::Dualshield,
            "<data><header><encode>HEX</encode></header><tokens>".into(),
        ),
        (
            Format::Safeword,
            "dn: sccAuthenticatorId=1\r\nsccAuthenticatorId: 1\r\n".into(),
        ),
        (
            Format::Freeipa,
            "# LDIF\ndn: ipatokenuniqueid=1,cn=otp\n".into(),
        ),
        (
            Format::Otpauth,
            "\r\n# apps\r\notpauth://totp/a?secret=GEZDGNBV\r\n".into(),
        ),
        (
            Format::OtpauthMigration,
            "otpauth-migration://offline?data=CiYK".into(),
        ),
        (Format::Yubico, "LOGGING START,11/24/26 9:00 AM\n".into()),
        (Format::Yubico, "OATH-HOTP,24.11.26 09:00,1,,,".into()),
        (
            Format::Yubico,
            format!("508326,,0,{HEX},,2026-11-24T09:00:00,\n"),
        ),
        (
            Format::Csv,
            "upn,serial number,secret key,timeinterval\n".into(),
        ),
        (Format::Csv, "\"serial number\";\"secret key\"\n".into()),
        (Format::Csv, format!("# LinOTP\nF1, {HEX}, totp, 6, 60\n")),
        (
            Format::Csv,
            format!("# version: 2\nalice, res, realm, F1, {HEX}\n"),
        ),
        (Format::Csv, format!("F1;Feitian;HOTP;{HEX};6;0\n")),
        (Format::Csv, format!("F1\tFeitian\tmOTP\t{HEX}\t6\t10\n")),
    ];
    assert_eq!(detect(PNG), [Format::Picture]);
    for (format, text) in cases {
        assert_eq!(detect(text.as_bytes()), [format], "{text:?}");
    }
}

#[test]
fn what_is_nothing_known_is_none() {
    for text in [
        "",
        "\n\n",
        "<html>",
        "a,b,c\n",
        "\u{feff}",
        "root:x:0:0::/root:/bin/sh\n",
    ] {
        assert_eq!(detect(text.as_bytes()), [], "{text:?}");
    }
    assert_eq!(detect(b"\xff\xfeu\0p\0n\0"), []);
}
