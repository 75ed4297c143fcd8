/** Vignettes from a table of conditions: what is the diagnosis, what is the treatment. */
package dev.graft.eval.synthetic.reasoning;
