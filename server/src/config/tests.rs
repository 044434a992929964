use super::*;

fn refused(settings: Settings) -> String {
    Config::resolve(settings)
        .expect_err("should be refused")
        .to_string()
}

#[test]
fn flags_come_before_the_file_and_the_file_before_defaults() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("carnet.toml");
    std::fs::write(&path, "rp-id = \"carnet.example\"\nsession-days = 40\n").expect("writes");
    let flags = Settings {
        session_days: Some(35),
        ..Settings::default()
    };
    let config =
        Config::resolve(flags.or(Settings::from_file(&path).expect("reads"))).expect("is valid");
    assert_eq!(config.session, Duration::from_secs(35 * 86_400));
    assert_eq!(config.rp_id, "carnet.example");
    assert_eq!(config.public_url().as_str(), "https://carnet.example/");
    assert!(config.listen.ip().is_loopback());
    assert_eq!(config.data, Path::new("carnet-data"));
}

#[test]
fn a_key_that_does_not_exist_is_named() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("carnet.toml");
    std::fs::write(&path, "sesion-days = 40\n").expect("writes");
    let error = Settings::from_file(&path).expect_err("refused").to_string();
    assert!(error.contains("sesion-days"), "{error}");
    // One from each of the groups, and one that is of a wrong kind.
    let all = "data = \"d\"\nenrolment-code-days = 3\norigin = []\nplain-http = true\n";
    std::fs::write(&path, all).expect("writes");
    let settings = Settings::from_file(&path).expect("reads");
    assert_eq!(settings.places.data.as_deref(), Some(Path::new("d")));
    assert_eq!(settings.codes.enrolment_code_days, Some(3));
    std::fs::write(&path, "lease-days = \"x\"\n").expect("writes");
    let error = Settings::from_file(&path).expect_err("refused").to_string();
    assert!(error.contains("lease-days"), "{error}");
    let error = Settings::from_file(&dir.path().join("none")).expect_err("refused");
    assert!(error.to_string().contains("none"));
}

#[test]
fn what_cannot_work_is_refused_by_name() {
    let with = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        refused(settings)
    };
    assert!(with(|s| s.listen = Some("8080".into())).starts_with("listen"));
    assert!(with(|s| s.lease_days = Some(0)).starts_with("lease-days"));
    assert!(with(|s| s.rp_id = Some("https://x".into())).starts_with("rp-id"));
    assert!(with(|s| s.rp_id = Some("127.0.0.1".into())).starts_with("rp-id"));
    for origin in [
        "https://elsewhere.example",
        "http://carnet.example",
        "https://badcarnet.example",
        "https://carnet.example/path",
        "carnet.example",
    ] {
        let error = refused(Settings {
            rp_id: Some("carnet.example".into()),
            origin: vec![origin.into()],
            ..Settings::default()
        });
        assert!(error.starts_with("origin"), "{error}");
    }
    assert!(with(|s| s.tls_cert = Some("x".into())).starts_with("tls-cert"));
    assert!(with(|s| s.workers = Some(0)).starts_with("workers"));
    assert!(with(|s| s.session_days = Some(1)).starts_with("session-idle-days"));
    assert!(with(|s| s.android_app = vec!["x=00".into()]).starts_with("android-app"));
    assert!(with(|s| s.apple_app = vec!["x.y".into()]).starts_with("apple-app"));
}

#[test]
fn every_number_has_bounds_and_is_named_with_them() {
    type Put = fn(&mut Settings, u32);
    let numbers: [(&str, u32, u32, Put); 13] = [
        ("session-days", 1, 366, |s, n| {
            (s.session_days, s.session_idle_days) = (Some(n), Some(1));
        }),
        ("session-idle-days", 1, 366, |s, n| {
            (s.session_days, s.session_idle_days) = (Some(366), Some(n));
        }),
        ("enrolment-code-days", 1, 366, |s, n| {
            s.codes.enrolment_code_days = Some(n);
        }),
        ("lease-days", 1, 366, |s, n| s.lease_days = Some(n)),
        ("record-bytes", 1, 1_048_576, |s, n| {
            s.record_bytes = Some(n)
        }),
        ("min-free", 0, 1_048_576, |s, n| s.min_free = Some(n)),
        ("beat-seconds", 1, 30, |s, n| s.beat_seconds = Some(n)),
        ("request-seconds", 1, 3_600, |s, n| {
            s.request_seconds = Some(n)
        }),
        ("shutdown-seconds", 1, 3_600, |s, n| {
            s.shutdown_seconds = Some(n)
        }),
        ("request-memory", 16, 1_048_576, |s, n| {
            s.request_memory = Some(n)
        }),
        ("peer-rate", 1, 1_000_000, |s, n| s.peer_rate = Some(n)),
        ("session-rate", 1, 1_000_000, |s, n| {
            s.session_rate = Some(n)
        }),
        ("workers", 1, 1_024, |s, n| s.workers = Some(n)),
    ];
    for (name, least, most, put) in numbers {
        let with = |n| {
            let mut settings = Settings::default();
            put(&mut settings, n);
            settings
        };
        for good in [least, most] {
            Config::resolve(with(good)).expect(name);
        }
        for bad in [least.checked_sub(1), Some(most + 1), Some(u32::MAX)] {
            let Some(bad) = bad else { continue };
            let error = refused(with(bad));
            let said = format!("{name} must be from {least} to {most}, not {bad}");
            assert_eq!(error, said);
        }
    }
    // No number is left out.
    let command = <Settings as clap::Args>::augment_args(clap::Command::new("settings"));
    let counted = command.get_arguments().filter(|argument| {
        let value = argument.get_value_parser().type_id();
        value == std::any::TypeId::of::<u32>()
    });
    assert_eq!(counted.count(), numbers.len());
}

#[test]
fn apps_have_the_origins_their_platforms_give() {
    let fingerprint = "00:".repeat(31) + "FF";
    let app: AndroidApp = format!("fr.example.carnet={fingerprint}")
        .parse()
        .expect("is one");
    assert_eq!(
        app.origin(),
        format!("android:apk-key-hash:{}8", "A".repeat(41) + "P")
    );
    assert_eq!(app.fingerprint_text(), fingerprint);
    assert!("ABCDE12345.fr.example.carnet".parse::<AppleApp>().is_ok());
}

#[test]
fn plain_http_to_other_machines_is_asked_for() {
    let listening = |listen: &str, change: fn(&mut Settings)| {
        let mut settings = Settings {
            listen: Some(listen.to_owned()),
            ..Settings::default()
        };
        change(&mut settings);
        Config::resolve(settings).map(drop)
    };
    for listen in [
        "0.0.0.0:8080",
        "192.0.2.1:80",
        "[::]:8080",
        "[::ffff:192.0.2.1]:80",
    ] {
        let refused = listening(listen, |_| {}).expect_err(listen).to_string();
        for way in [listen, "tls-cert", "behind-proxy", "plain-http"] {
            assert!(refused.contains(way), "{refused}");
        }
        listening(listen, |s| s.behind_proxy = Some(true)).expect("a proxy guards it");
        listening(listen, |s| s.plain_http = Some(true)).expect("it is asked for");
        let tls = |s: &mut Settings| {
            (s.tls_cert, s.tls_key) = (Some("cert".into()), Some("key".into()));
        };
        listening(listen, tls).expect("it is TLS");
    }
    for listen in [
        "127.0.0.1:0",
        "127.9.9.9:80",
        "[::1]:8080",
        "[::ffff:127.0.0.1]:80",
    ] {
        listening(listen, |_| {}).expect("nobody else can reach it");
    }
}
