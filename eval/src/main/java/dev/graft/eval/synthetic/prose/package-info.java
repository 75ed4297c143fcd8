/** English from small grammars: alternatives, numbers and named values in one line of text, lists, articles, slips of the typist. */
package dev.graft.eval.synthetic.prose;
