/** Commands of Graft as processes of their own: what goes wrong in one takes nothing along, and its memory is given back. */
package dev.graft.eval.process;
