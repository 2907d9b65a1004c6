//! Lists that mostly hold one thing: fifty thousand of them are most of what checks keep. The standard library makes room for
//! four at once, and keeps it. Neighbours: `history`, `checks::cast` and `checks::word` keep such lists for each user.

/// Adds to a list: the first thing gets room for itself alone.
pub fn push<T>(list: &mut Vec<T>, item: T) {
    if list.capacity() == 0 {
        list.reserve_exact(1);
    }
    list.push(item);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_takes_room_for_one_and_many_do_not_move_each_time() {
        let mut list = Vec::new();
        push(&mut list, 0);
        assert_eq!(list.capacity(), 1);
        let mut moves = 0;
        for item in 1..1_000 {
            let before = list.capacity();
            push(&mut list, item);
            moves += usize::from(list.capacity() != before);
        }
        assert!(list.iter().copied().eq(0..1_000) && moves < 12, "{moves} moves");
    }
}
