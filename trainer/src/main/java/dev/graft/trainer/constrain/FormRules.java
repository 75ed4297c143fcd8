package dev.graft.trainer.constrain;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.util.automaton.Automata;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;

/** Turns a {@link Form} into an expression over bytes and rules of a grammar. */
final class FormRules {
  private static final String ANY = "[\\s\\S]*";

  private final Grammar grammar;
  private final JsonParts json;
  private final Map<Form.Json, Expr> schemas = new HashMap<>();

  FormRules(Grammar grammar) {
    this.grammar = grammar;
    json = new JsonParts(grammar);
  }

  Expr expression(Form form) {
    if (form instanceof Form.Text text) {
      return Expr.text(text.text());
    } else if (form instanceof Form.Json value) {
      return schemas.computeIfAbsent(value, this::schema);
    } else if (form instanceof Form.Free free) {
      return new Expr.Call(grammar.add("free text", text(free)));
    } else if (form instanceof Form.Sequence sequence) {
      return new Expr.Seq(all(sequence.items()));
    } else if (form instanceof Form.OneOf choice) {
      return new Expr.Alt(all(choice.items()));
    }
    return new Expr.Repeat(expression(((Form.Repeated) form).item()), 0, -1);
  }

  private List<Expr> all(List<Form> forms) {
    return forms.stream().map(this::expression).toList();
  }

  private static Automaton text(Form.Free free) {
    Automaton any = Regex.compile(ANY, true);
    List<Automaton> never = new ArrayList<>();
    free.without().forEach(text -> never.add(Operations.concatenate(List.of(any, Automata.makeString(text), any))));
    if (free.notJson()) {
      never.add(Regex.compile("[ \\t\\r\\n]*\\{" + ANY, true));
    }
    Automaton rest = never.isEmpty() ? any : Automatons.minus(any, Automatons.deterministic(Operations.union(never), "the texts to leave out"), "the texts to leave out");
    return Automatons.deterministic(Automatons.utf8(rest), "free text");
  }

  private Expr schema(Form.Json value) {
    try {
      return new Expr.Call(new JsonSchema(value.schema(), grammar, json).root());
    } catch (ConstraintException e) {
      throw ConstraintException.of(value.parameter(), e.getMessage());
    }
  }
}
