/**
 * The Java API of Graft's native runtime: devices, GGUF files, models, LoRA adapters, training and generation.
 *
 * <p><b>Lifetimes.</b> What is opened is closed by whoever opened it, in any order: closing a parent (say a {@link
 * dev.graft.bindings.Model}) that still has open children ends its use at once, while its native memory is kept until the last
 * child is closed. Closing twice is fine. Using a closed object throws {@link IllegalStateException}; it never reaches native code.
 *
 * <p><b>Threads.</b> Any thread may call. All objects that come from one {@link dev.graft.bindings.GraftRuntime} share one lock,
 * so that a call waits until the one before it is done; different runtimes run side by side.
 *
 * <p><b>Failures.</b> Native failures arrive as {@link dev.graft.bindings.GraftException}, whose message is one line for the user
 * and whose {@link dev.graft.bindings.GraftException#exitCode()} is what a program should exit with. Wrong use by the program itself
 * (null, an index out of range, a closed object) arrives as the usual unchecked exceptions of Java.
 */
package dev.graft.bindings;
