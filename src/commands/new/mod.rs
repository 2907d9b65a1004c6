//! `rehearsal new`: writes a first scenario, `rehearsal.toml` and a CI job into a folder. What is there stays as it is.

use crate::cli::New;
use crate::exit::{Exit, Failure};
use crate::output;
use std::path::Path;

/// What is written, and where.
const FILES: [(&str, &str); 3] = [
    ("rehearsal/first.toml", include_str!("first.toml")),
    ("rehearsal.toml", include_str!("rehearsal.toml")),
    (".github/workflows/rehearsal.yml", include_str!("ci.yml")),
];

/// Writes the files; all of them, or none if one is there already.
pub fn run(arguments: &New) -> Result<Exit, Failure> {
    let folder = arguments.folder.as_path();
    if let Some((name, _)) = FILES.iter().find(|(name, _)| folder.join(name).exists()) {
        return Err(Failure::usage(
            format!("{} is there already", folder.join(name).display()),
            "name another folder: `rehearsal new FOLDER`; nothing was written",
        ));
    }
    for (name, text) in FILES {
        write(&folder.join(name), text)?;
        output::print_line(&format_args!("wrote  {}", folder.join(name).display()));
    }
    let change = match folder == Path::new(".") {
        true => String::new(),
        false => format!("cd {} && ", folder.display()),
    };
    output::print_line(&format_args!("next   {change}rehearsal simulate --seeds 1000"));
    Ok(Exit::Expected)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|error| {
            let message = format!("cannot make the folder {}: {error}", parent.display());
            Failure::usage(message, "check its name and its permissions")
        })?;
    }
    output::write(path, text)
}
