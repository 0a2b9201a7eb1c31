//! Objects that one call at a time changes, while all others read them as they last were.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// A value that is cheap to clone, as what it holds is counted: a clone is the value as it was then.
#[derive(Debug)]
pub struct Shared<T> {
    name: &'static str,
    /// Locked for moments only, by threads that want nothing else meanwhile.
    value: Mutex<T>,
    /// Held by the one call that changes it.
    right: Mutex<()>,
}

/// The right to change a [`Shared`] value, for as long as a call takes.
pub struct Changing<'a, T> {
    shared: &'a Shared<T>,
    _right: MutexGuard<'a, ()>,
}

impl<T: Clone> Shared<T> {
    /// Makes one that is called `name` in messages.
    pub fn new(name: &'static str, value: T) -> Self {
        Self { name, value: Mutex::new(value), right: Mutex::new(()) }
    }

    /// Returns it as it is at present.
    pub fn present(&self) -> T {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the right to change it.
    ///
    /// # Errors
    /// `RuntimeError` if another call has it.
    pub fn changing(&self) -> PyResult<Changing<'_, T>> {
        match self.right.try_lock() {
            Ok(right) => Ok(Changing { shared: self, _right: right }),
            Err(TryLockError::Poisoned(poisoned)) => Ok(Changing { shared: self, _right: poisoned.into_inner() }),
            Err(TryLockError::WouldBlock) => Err(busy(self.name, "being changed")),
        }
    }
}

impl<T: Clone> Changing<'_, T> {
    /// Returns it as it is at present.
    pub fn present(&self) -> T {
        self.shared.present()
    }

    /// Changes it, at once for all others.
    pub fn change<R>(&self, by: impl FnOnce(&mut T) -> R) -> R {
        by(&mut self.shared.value.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns the error of a call that another one does not let through.
fn busy(name: &str, does: &str) -> PyErr {
    PyRuntimeError::new_err(format!("the {name} is {does}: in another thread, or around a callback or signal handler"))
}

/// Something with buffers that one call at a time works with, and what is told of it meanwhile.
#[derive(Debug)]
pub struct Worked<T, A> {
    name: &'static str,
    work: RwLock<T>,
    about: Mutex<A>,
    tell: fn(&T) -> A,
}

/// The only one who works with it.
pub struct Working<'a, T, A> {
    worked: &'a Worked<T, A>,
    work: RwLockWriteGuard<'a, T>,
}

impl<T, A: Clone> Worked<T, A> {
    /// Makes one that is called `name` in messages; `tell` says what is told of it.
    pub fn new(name: &'static str, work: T, tell: fn(&T) -> A) -> Self {
        Self { name, about: Mutex::new(tell(&work)), work: RwLock::new(work), tell }
    }

    /// Returns what is told of it, as of the end of the last call that changed it.
    pub fn about(&self) -> A {
        self.about.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens it for calls that change nothing, several at a time.
    ///
    /// # Errors
    /// `RuntimeError` if another call changes it.
    pub fn read(&self) -> PyResult<RwLockReadGuard<'_, T>> {
        match self.work.try_read() {
            Ok(work) => Ok(work),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(busy(self.name, "training")),
        }
    }

    /// Opens it for a call that changes it.
    ///
    /// # Errors
    /// `RuntimeError` if another call uses it.
    pub fn work(&self) -> PyResult<Working<'_, T, A>> {
        match self.work.try_write() {
            Ok(work) => Ok(Working { worked: self, work }),
            Err(TryLockError::Poisoned(poisoned)) => Ok(Working { worked: self, work: poisoned.into_inner() }),
            Err(TryLockError::WouldBlock) => Err(busy(self.name, "in use")),
        }
    }
}

impl<T, A> Deref for Working<'_, T, A> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.work
    }
}

impl<T, A> DerefMut for Working<'_, T, A> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.work
    }
}

impl<T, A> Drop for Working<'_, T, A> {
    fn drop(&mut self) {
        let about = (self.worked.tell)(&self.work);
        *self.worked.about.lock().unwrap_or_else(PoisonError::into_inner) = about;
    }
}
