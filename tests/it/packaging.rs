//! The recipes of the packages: that they carry what `make install` lays down, and that
//! installing one changes no login. Building them is `make deb`, `make rpm`, `make arch`, `make alpine`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::machine::{Machine, hotp, press};

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(project().join(path)).unwrap()
}

/// What `make install` lays down with these settings, below a folder of its own.
fn installed(name: &str, settings: &[&str]) -> PathBuf {
    let name = format!("packaging-{name}-{}", std::process::id());
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&root).unwrap();
    let mut make = Command::new("make");
    make.current_dir(project()).args(["--silent", "install"]);
    make.args(settings)
        .arg(format!("DESTDIR={}", root.display()));
    let output = make.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    root
}

/// Lines of a shell's output, run in that folder.
fn lines(root: &Path, script: &str) -> Vec<String> {
    let mut bash = Command::new("bash");
    let output = bash
        .current_dir(root)
        .args(["-ec", script])
        .output()
        .unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Sees that each installed file is in one package, and that each pattern finds something.
fn each_file_is_in_one_package(root: &Path, packages: &BTreeMap<&str, Vec<String>>) {
    let mut owner = BTreeMap::new();
    for (package, patterns) in packages {
        for pattern in patterns {
            let found = lines(root, &format!("find {pattern} ! -type d"));
            assert!(!found.is_empty(), "{package}: {pattern} finds nothing");
            for file in found {
                let before = owner.insert(file.clone(), package);
                assert_eq!(before, None, "{file} is in two packages");
            }
        }
    }
    let packed: Vec<String> = owner.into_keys().collect();
    let mut laid = lines(root, "find usr ! -type d");
    laid.sort();
    assert_eq!(packed, laid, "what is packed and what is installed");
}

#[test]
fn debian_packages_carry_all_that_is_installed() {
    let root = installed("debian", &["PAMDIR=/usr/lib/any-linux-gnu/security"]);
    let patterns = |package: &str| {
        let mut found = Vec::new();
        for list in ["install", "manpages"] {
            for line in read(&format!("packaging/debian/{package}.{list}")).lines() {
                let source = line.split_whitespace().next().unwrap();
                let inside = source.strip_prefix("debian/tmp/").unwrap_or(source);
                if inside.starts_with("usr/") {
                    found.push(inside.to_owned());
                }
            }
        }
        found
    };
    let packages = ["fob", "libpam-fob"].map(|package| (package, patterns(package)));
    each_file_is_in_one_package(&root, &BTreeMap::from(packages));
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn rpm_packages_carry_all_that_is_installed() {
    let root = installed("rpm", &["PAMDIR=/usr/lib64/security"]);
    let macros = [
        ("%{pamdir}", "usr/lib64/security"),
        ("%{_bindir}", "usr/bin"),
        ("%{_unitdir}", "usr/lib/systemd/system"),
        ("%{_mandir}", "usr/share/man"),
        ("%{_docdir}", "usr/share/doc"),
        ("%{_datadir}", "usr/share"),
    ];
    let spec = read("packaging/rpm/pam_fob.spec");
    let mut packages = BTreeMap::new();
    for section in spec.split("\n%files").skip(1) {
        let (name, rest) = section.split_once('\n').unwrap();
        let body = rest.split("\n%changelog").next().unwrap();
        let mut patterns = Vec::new();
        for line in body.lines().filter(|line| line.starts_with("%{")) {
            // These two aren't laid down by `make install`.
            if line.contains("_tmpfilesdir") || line.contains("selinux") {
                continue;
            }
            let mut pattern = line.to_owned();
            for (name, folder) in macros {
                pattern = pattern.replace(name, folder);
            }
            patterns.push(pattern);
        }
        packages.insert(name.trim(), patterns);
    }
    each_file_is_in_one_package(&root, &packages);
    fs::remove_dir_all(root).unwrap();
}

/// README and handbook are packaged as they lie in the tree: what they name is there too, and what
/// isn't, such as a source file, is no link any more.
#[test]
fn every_link_of_the_installed_pages_leads_somewhere() {
    let root = installed("pages", &["PAMDIR=/usr/lib/any/security"]);
    let folder = root.join("usr/share/doc/fob");
    let (mut count, mut broken) = (0, Vec::new());
    for page in lines(&folder, "find . -name '*.md'") {
        let path = folder.join(&page);
        let text = fs::read_to_string(&path).unwrap();
        for rest in text.split("](").skip(1) {
            let target = rest.split(')').next().unwrap();
            let file = target.split('#').next().unwrap();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            count += 1;
            if !path.parent().unwrap().join(file).exists() {
                broken.push(format!("{page}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(count > 60, "only {count} links");
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    assert!(readme.contains("](docs/handbook/install.md)") && !readme.contains("](src/"));
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn profile_is_off_until_it_is_switched_on_and_then_asks_enrolled_people_alone() {
    let profile = read("packaging/debian/pam-configs/fob");
    let field = |name: &str| {
        let line = profile.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name}")).trim()
    };
    assert_eq!(field("Default:"), "no");
    assert_eq!(field("Auth-Type:"), "Additional");
    let rules: Vec<_> = profile
        .lines()
        .filter(|line| line.starts_with('\t'))
        .collect();
    assert_eq!(rules, ["\trequired\tpam_fob.so nullok"]);
}

/// The shape of authselect's system-auth, in which a right password ends the stack.
#[test]
fn line_for_authselect_asks_enrolled_people_before_a_password_that_is_sufficient() {
    let machine = Machine::with(&["alice:pw", "bob:pw"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    let line = read("packaging/rpm/authselect/with-fob");
    let (line, condition) = line.split_once('{').unwrap();
    assert_eq!(condition.trim_end(), "include if \"with-fob\"}");
    let before = "auth required pam_env.so\nauth required pam_faildelay.so delay=1000\n";
    let behind = "auth sufficient pam_unix.so nullok\nauth required pam_deny.so\n";
    machine.stack("test", &format!("{before}{line}\n{behind}"));
    assert_eq!(machine.login("alice", &[&press(&fob, 0), "pw"]).code(), 0);
    assert_eq!(machine.login("alice", &[&press(&fob, 0), "pw"]).code(), 7);
    assert_eq!(machine.login("alice", &[&press(&fob, 1), "no"]).code(), 7);
    assert_eq!(machine.login("bob", &["pw"]).code(), 0);
    assert_eq!(machine.login("bob", &["no"]).code(), 7);
}

#[test]
fn every_recipe_has_the_version_of_the_source() {
    let version = lines(project(), "packaging/version").join("");
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    let changelog = read("packaging/debian/changelog");
    assert!(
        changelog.starts_with(&format!("pam-fob ({version}-")),
        "debian/changelog"
    );
    let spec = read("packaging/rpm/pam_fob.spec");
    let newest = spec.split("%changelog\n").nth(1).unwrap();
    assert!(
        newest
            .lines()
            .next()
            .unwrap()
            .ends_with(&format!(" - {version}-1")),
        "pam_fob.spec"
    );
    let module = read("packaging/selinux/fob.te");
    assert!(
        module.starts_with(&format!("policy_module(fob, {version})")),
        "fob.te"
    );
}

/// The module goes where libpam looks, wherever the rest goes; a guess would keep everybody out.
#[test]
fn module_is_laid_where_libpam_looks_or_nowhere() {
    for prefix in ["/usr", "/usr/local", "/opt/fob"] {
        let found = lines(project(), &format!("packaging/pamdir {prefix}"));
        let [folder] = found.as_slice() else {
            panic!("{prefix}: {found:?}");
        };
        assert!(Path::new(folder).join("pam_permit.so").exists(), "{folder}");
    }
    let mut make = Command::new("make");
    make.current_dir(project());
    let output = make.args(["--dry-run", "install", "PAMDIR="]).output();
    let output = output.unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && error.contains("PAMDIR=/"),
        "{error}"
    );
}
