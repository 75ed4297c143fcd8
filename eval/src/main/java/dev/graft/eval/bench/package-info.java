/** {@code graft bench}: measures this machine and Graft on it, in one run, so that numbers can be compared. */
package dev.graft.eval.bench;
