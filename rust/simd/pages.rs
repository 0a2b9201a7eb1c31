//! Large arrays on large pages: what is visited at random then costs a cache miss, but seldom a look into page tables.

/// `n` times the same value; where the system has huge pages to give, on those.
pub fn filled<T: Copy>(value: T, n: usize) -> Vec<T> {
    let mut values = Vec::with_capacity(n);
    // Before anything is written: memory gets its pages then.
    ask_for_huge_pages(values.spare_capacity_mut());
    values.resize(n, value);
    values
}

/// Asks for huge pages wherever a whole one fits into the memory. Not to be given any is no error.
#[cfg(target_os = "linux")]
fn ask_for_huge_pages<T>(memory: &mut [T]) {
    const PAGE: usize = 2 << 20;
    let range = memory.as_mut_ptr_range();
    let (start, end) = (range.start.addr().next_multiple_of(PAGE), range.end.addr() / PAGE * PAGE);
    if start < end {
        let first = range.start.with_addr(start).cast();
        // SAFETY: the pages lie within the memory, and the advice changes nothing of what is read or written there.
        unsafe { libc::madvise(first, end - start, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn ask_for_huge_pages<T>(_memory: &mut [T]) {}
