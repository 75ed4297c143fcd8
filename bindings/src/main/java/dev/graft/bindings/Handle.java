package dev.graft.bindings;

import com.sun.jna.Pointer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * An open native handle: its lock, and how long it lives. Children count on their parents, so that a parent closed early is freed
 * when its last child is.
 */
final class Handle {
  private final String what;
  private final ReentrantLock lock;
  private final List<Handle> parents;
  private final Consumer<Pointer> release;
  private Pointer pointer;
  private boolean closed;
  private int children;

  private Handle(String what, ReentrantLock lock, List<Handle> parents, Pointer pointer, Consumer<Pointer> release) {
    this.what = what;
    this.lock = lock;
    this.parents = new ArrayList<>(parents);
    this.pointer = pointer;
    this.release = release;
  }

  /** A handle that depends on nothing and has a lock of its own. */
  static Handle root(String what, Supplier<Pointer> open, Consumer<Pointer> release) {
    return new Handle(what, new ReentrantLock(), List.of(), open.get(), release);
  }

  /** Opens a child of this handle and of {@code others}, which must share this handle's lock. */
  Handle child(String name, List<Handle> others, Function<Pointer, Pointer> open, Consumer<Pointer> close) {
    lock.lock();
    try {
      Pointer mine = pointer();
      for (Handle other : others) {
        if (other.lock != lock) {
          throw new IllegalArgumentException("a " + name + " needs a " + what + " and a " + other.what + " of one runtime");
        }
        other.pointer();
      }
      Handle child = new Handle(name, lock, others.isEmpty() ? List.of(this) : concat(this, others), open.apply(mine), close);
      child.parents.forEach(parent -> parent.children++);
      return child;
    } finally {
      lock.unlock();
    }
  }

  /** From now on {@code other}, which must share this handle's lock, lives as long as this or until {@link #leave}; {@code use} runs before, with its pointer. */
  <T> T join(Handle other, Function<Pointer, T> use) {
    lock.lock();
    try {
      pointer();
      if (other.lock != lock) {
        throw new IllegalArgumentException("a " + what + " needs a " + other.what + " of its own runtime");
      }
      T result = use.apply(other.pointer());
      other.children++;
      parents.add(other);
      return result;
    } finally {
      lock.unlock();
    }
  }

  /** Ends one {@link #join}, once {@code use} has run. */
  void leave(Handle other, Runnable use) {
    lock.lock();
    try {
      use.run();
      parents.remove(other);
      other.children--;
      other.releaseWhenUnused();
    } finally {
      lock.unlock();
    }
  }

  /** Runs {@code use} with the native pointer, alone among all users of this runtime. */
  <T> T with(Function<Pointer, T> use) {
    lock.lock();
    try {
      return use.apply(pointer());
    } finally {
      lock.unlock();
    }
  }

  void run(Consumer<Pointer> use) {
    with(p -> {
      use.accept(p);
      return null;
    });
  }

  /** The pointer, for the argument of another handle's call; the caller holds the lock. */
  Pointer pointer() {
    if (closed) {
      throw new IllegalStateException("this " + what + " is closed");
    }
    return pointer;
  }

  void close() {
    lock.lock();
    try {
      if (!closed) {
        closed = true;
        releaseWhenUnused();
      }
    } finally {
      lock.unlock();
    }
  }

  private void releaseWhenUnused() {
    if (!closed || children > 0 || pointer == null) {
      return;
    }
    Pointer last = pointer;
    pointer = null;
    release.accept(last);
    for (Handle parent : parents) {
      parent.children--;
      parent.releaseWhenUnused();
    }
  }

  private static List<Handle> concat(Handle first, List<Handle> others) {
    return Stream.concat(Stream.of(first), others.stream()).toList();
  }
}
