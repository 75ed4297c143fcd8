package dev.graft.trainer.constrain;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.lang.ref.SoftReference;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.lucene.util.automaton.Automaton;

/**
 * Makes constraints for one vocabulary. What was asked for last is kept, so that requests of one form share its masks. Every method throws {@link ConstraintException} when the
 * form is malformed, not supported, too large, fits nothing, or cannot be written with this vocabulary. Threads may share it.
 *
 * <p>Masks go by the bytes of tokens: a token may end within a character, and only where UTF-8 goes on with one that the form allows.
 */
public final class Constraints {
  private static final int KEPT = 32;

  private final TokenTrie trie;
  private final Map<Object, SoftReference<TokenConstraint>> kept =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Object, SoftReference<TokenConstraint>> eldest) {
          return size() > KEPT;
        }
      };

  private record Key(String kind, Object form) {}

  private Constraints(Vocabulary vocabulary, Set<Integer> shown) {
    trie = new TokenTrie(vocabulary, shown);
  }

  /** Takes about a second of processor time and 10 MB for 128,000 tokens: to be kept with the vocabulary. */
  public static Constraints of(Vocabulary vocabulary) {
    return of(vocabulary, Set.of());
  }

  /** The same where some special tokens are text: a form may be written with them too. @param shown their ids */
  public static Constraints of(Vocabulary vocabulary, Set<Integer> shown) {
    return new Constraints(vocabulary, shown);
  }

  /** Exactly one of some texts. */
  public TokenConstraint choice(List<String> choices) {
    List<String> copy = List.copyOf(choices);
    return kept(new Key("choice", copy), () -> oneRule(Choices.automaton(copy), "the list of choices"));
  }

  /** A text that the expression describes from its beginning to its end. {@link Regex} says what is supported. */
  public TokenConstraint regex(String regex) {
    return kept(new Key("regex", regex), () -> oneRule(Automatons.utf8(Regex.compile(regex, true)), "the regular expression"));
  }

  /** Any JSON value. */
  public TokenConstraint json() {
    return kept(new Key("json", "value"), () -> {
      Grammar grammar = new Grammar(trie.longest);
      return machine(grammar, new JsonParts(grammar).anyValue());
    });
  }

  /** Any JSON object. */
  public TokenConstraint jsonObject() {
    return kept(new Key("json", "object"), () -> {
      Grammar grammar = new Grammar(trie.longest);
      return machine(grammar, new JsonParts(grammar).anyObject());
    });
  }

  /**
   * JSON that a schema describes. {@link JsonSchema} says what is supported; an error names the place in the schema.
   *
   * @param schema an object, true or false
   */
  public TokenConstraint jsonSchema(JsonNode schema) {
    JsonNode copy = JsonSchema.checked(schema);
    return kept(new Key("schema", copy.toString()), () -> {
      Grammar grammar = new Grammar(trie.longest);
      return machine(grammar, new JsonSchema(copy, grammar).root());
    });
  }

  /** A text that a grammar in llama.cpp's notation describes. {@link Gbnf} says what is supported. */
  public TokenConstraint gbnf(String text) {
    return kept(new Key("gbnf", text), () -> {
      Grammar grammar = new Grammar(trie.longest);
      return machine(grammar, Gbnf.read(text, grammar));
    });
  }

  /** A text of several parts. */
  public TokenConstraint form(Form form) {
    return kept(new Key("form", form), () -> {
      Grammar grammar = new Grammar(trie.longest);
      Graph graph = new Graph();
      graph.accept(new FormRules(grammar).expression(form).append(graph, 0, true));
      return machine(grammar, grammar.add("the form", Automatons.deterministic(graph.finish(), "the form")));
    });
  }

  private TokenConstraint oneRule(Automaton bytes, String name) {
    Grammar grammar = new Grammar(trie.longest);
    return machine(grammar, grammar.add(name, Automatons.deterministic(bytes, name)));
  }

  private TokenConstraint machine(Grammar grammar, int root) {
    return new FormConstraint(new Machine(new Net(grammar, root, trie.bytes), trie, root));
  }

  private TokenConstraint kept(Key key, Supplier<TokenConstraint> make) {
    synchronized (kept) {
      SoftReference<TokenConstraint> known = kept.get(key);
      TokenConstraint constraint = known == null ? null : known.get();
      if (constraint != null) {
        return constraint;
      }
    }
    TokenConstraint made = make.get();
    synchronized (kept) {
      kept.put(key, new SoftReference<>(made));
    }
    return made;
  }
}
