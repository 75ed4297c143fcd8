/** General clinical text to pretrain a small model on. */
package dev.graft.eval.synthetic.corpus;
