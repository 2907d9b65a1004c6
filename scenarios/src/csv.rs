//! Comma-separated values, as RFC 4180 has them: a line with names, then rows; cells in quotes may hold commas, line breaks
//! and doubled quotes. Neighbours: `language::rows`. Left out: other separators, types.

/// The rows of a text, each cell with the name of its column.
///
/// # Errors
/// What is wrong, with the number of the row.
pub(crate) fn rows(text: &str) -> Result<Vec<Vec<(String, String)>>, String> {
    let mut records = records(text.strip_prefix('\u{feff}').unwrap_or(text))?.into_iter();
    let names = records.next().ok_or("the file is empty")?;
    if let Some(empty) = names.iter().position(|name| name.trim().is_empty()) {
        return Err(format!("column {} has no name", empty + 1));
    }
    let is_second = |nth: usize| names[..nth].iter().any(|before| before.trim() == names[nth].trim());
    if let Some(twice) = (0..names.len()).find(|nth| is_second(*nth)) {
        return Err(format!("two columns are called `{}`", names[twice].trim()));
    }
    let rows: Vec<_> = records
        .enumerate()
        .map(|(index, cells)| match cells.len() == names.len() {
            true => Ok(names.iter().map(|name| name.trim().to_owned()).zip(cells).collect()),
            false => Err(format!("row {} has {} cells, the first line names {}", index + 1, cells.len(), names.len())),
        })
        .collect::<Result<_, _>>()?;
    if rows.is_empty() { Err("the file has no rows below its first line".to_owned()) } else { Ok(rows) }
}

fn records(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut letters = text.chars().peekable();
    while letters.peek().is_some() {
        let (cell, end) = cell(&mut letters)?;
        record.push(cell);
        if end == End::Line {
            records.push(std::mem::take(&mut record));
        }
    }
    if !record.is_empty() {
        records.push(record);
    }
    // An empty line is no row.
    records.retain(|record| record.iter().any(|cell| !cell.is_empty()));
    Ok(records)
}

#[derive(PartialEq, Eq)]
enum End {
    Cell,
    Line,
}

fn cell(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<(String, End), String> {
    let mut cell = String::new();
    if letters.next_if_eq(&'"').is_some() {
        loop {
            match letters.next() {
                Some('"') if letters.next_if_eq(&'"').is_some() => cell.push('"'),
                Some('"') => break,
                Some(letter) => cell.push(letter),
                None => return Err("a quoted cell does not end".to_owned()),
            }
        }
    }
    loop {
        match letters.next() {
            Some(',') => return Ok((cell, End::Cell)),
            Some('\n') | None => return Ok((cell, End::Line)),
            Some('\r') => {}
            Some(letter) => cell.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<Vec<String>> {
        rows(text).unwrap().into_iter().map(|row| row.into_iter().map(|(_, cell)| cell).collect()).collect()
    }

    #[test]
    fn cells_may_hold_commas_quotes_and_line_breaks() {
        assert_eq!(cells("a,b\n1,2\r\n\"x, \"\"y\"\"\",\"two\nlines\"\n"), [["1", "2"], ["x, \"y\"", "two\nlines"]]);
        assert_eq!(rows("\u{feff}name\nada").unwrap(), [[("name".to_owned(), "ada".to_owned())]]);
    }

    #[test]
    fn what_is_no_table_says_why() {
        assert!(rows("").unwrap_err().contains("empty"));
        assert!(rows("a,b\n").unwrap_err().contains("no rows"));
        assert!(rows("a,b\n1\n").unwrap_err().contains("row 1 has 1 cells"));
        assert!(rows("a,b, a\n1,2,3\n").unwrap_err().contains("two columns are called `a`"));
        assert!(rows("a,\n1,2\n").unwrap_err().contains("column 2"));
        assert!(rows("a\n\"1\n").unwrap_err().contains("does not end"));
    }
}
