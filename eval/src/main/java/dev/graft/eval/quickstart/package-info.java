/** The quickstart: the whole job on the demo base, one command after the other. */
package dev.graft.eval.quickstart;
