/** Synthetic clinical text whose labels are right by construction: data sets like the study's, and text to pretrain on. */
package dev.graft.eval.synthetic;
