package dev.graft.trainer.constrain;

import dev.graft.trainer.constrain.JsonParts.Member;
import java.util.List;
import org.apache.lucene.util.automaton.Automata;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;

/** Parts of a {@link Form.Arguments} as rules of a grammar. */
final class ArgumentParts {
  /** A name that no schema gives. */
  private static final String NAME = "[^<>=\"'\\s]{1,64}";

  private final Grammar grammar;
  private final Form.Arguments form;
  private int anyText = -1;

  ArgumentParts(Grammar grammar, Form.Arguments form) {
    this.grammar = grammar;
    this.form = form;
  }

  /** Whether a text can be a value. */
  boolean holds(String text) {
    return !text.contains(form.closer());
  }

  /** Any text that can be a value. */
  int anyText() {
    if (anyText < 0) {
      anyText = grammar.add("an argument's text", bytes(FreeText.without(List.of(form.closer()), false)));
    }
    return anyText;
  }

  /** The texts of an automaton over code points that can be values; without states when there are none. */
  Automaton text(Automaton text) {
    return bytes(Automatons.both(text, FreeText.without(List.of(form.closer()), false), "an argument's text"));
  }

  private static Automaton bytes(Automaton codePoints) {
    return Automatons.deterministic(Automatons.utf8(codePoints), "an argument's text");
  }

  /** Members in this order, those that are not required maybe left out, then any number of others. @param extra rule of the values of others; -1: there are none */
  Automaton object(List<Member> members, int extra) {
    Graph graph = new Graph();
    int at = 0;
    for (Member member : members) {
      int after = graph.state();
      graph.free(graph.call(at, member(member)), after);
      if (!member.required()) {
        graph.free(at, after);
      }
      at = after;
    }
    if (extra >= 0) {
      graph.free(graph.call(at, other(members, extra)), at);
    }
    graph.accept(at);
    return Automatons.deterministic(graph.finish(), "the arguments");
  }

  private int member(Member member) {
    if (member.name().contains(form.then().strip().split("\\s", 2)[0])) {
      throw new ConstraintException("the name of the property " + member.name() + " cannot be told from what follows it in this model's calls; rename it");
    }
    Graph graph = new Graph();
    int value = graph.call(graph.text(0, form.open() + member.name() + form.then()), member.value());
    graph.accept(graph.text(value, form.close()));
    return grammar.add("the argument " + member.name(), Automatons.deterministic(graph.finish(), "an argument"));
  }

  private int other(List<Member> members, int value) {
    Automaton names = Regex.compile(NAME, true);
    if (!members.isEmpty()) {
      Automaton known = Automatons.deterministic(Operations.union(members.stream().map(member -> Automata.makeString(member.name())).toList()), "the arguments' names");
      names = Automatons.minus(names, known, "the other arguments' names");
    }
    Graph graph = new Graph();
    int name = graph.append(graph.text(0, form.open()), bytes(names));
    graph.accept(graph.text(graph.call(graph.text(name, form.then()), value), form.close()));
    return grammar.add("another argument", Automatons.deterministic(graph.finish(), "an argument"));
  }
}
