/** Notes about patients with white cells in the urine, and whether they have a urinary tract infection. */
package dev.graft.eval.synthetic.uti;
