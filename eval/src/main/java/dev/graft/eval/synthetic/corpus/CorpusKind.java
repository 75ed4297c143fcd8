package dev.graft.eval.synthetic.corpus;

import dev.graft.eval.synthetic.Dice;
import dev.graft.eval.synthetic.clinic.CaseMaker;
import dev.graft.eval.synthetic.clinic.Note;
import dev.graft.eval.synthetic.clinic.NoteWriter;
import java.util.ArrayList;
import java.util.List;

/** The kinds of rows of a corpus. */
enum CorpusKind {
  /** A clinical note. */
  NOTE(14, 6, 0, 6) {
    @Override
    List<String> turns(Dice dice) {
      return List.of(note(dice).text());
    }
  },

  /** Two or three short notes, one below the other. */
  ROUND(2, 0, 0, 0) {
    @Override
    List<String> turns(Dice dice) {
      List<String> notes = new ArrayList<>();
      for (int i = dice.between(2, 3); i > 0; i--) {
        notes.add(brief(dice).text());
      }
      return List.of(String.join("\n\n", notes));
    }
  },

  /** A note, and below it what of it is present, denied and past. */
  SORTED(8, 6, 0, 6) {
    @Override
    List<String> turns(Dice dice) {
      Note note = dice.chance(0.5) ? note(dice) : brief(dice);
      return List.of(note.text() + "\n\n" + new NoteQuestions(note, dice).sorted());
    }
  },

  /** A paragraph of a handbook. */
  REFERENCE(10, 3, 0, 3) {
    @Override
    List<String> turns(Dice dice) {
      return List.of(Reference.paragraph(dice));
    }
  },

  /** A message of a patient. */
  MESSAGE(6, 2, 0, 2) {
    @Override
    List<String> turns(Dice dice) {
      return List.of(PatientMessages.message(dice));
    }
  },

  /** Questions about a note. */
  READING(14, 12, 0, 12) {
    @Override
    List<String> turns(Dice dice) {
      return questions(note(dice), dice.between(4, 8), dice);
    }
  },

  /** Questions about a few sentences. */
  SENTENCES(20, 14, 0, 14) {
    @Override
    List<String> turns(Dice dice) {
      return questions(brief(dice), dice.between(2, 5), dice);
    }
  },

  /** A note or a few sentences, and below it all findings with their groups and status, as text or as question and answer. */
  TABLE(34, 26, 0, 26) {
    @Override
    List<String> turns(Dice dice) {
      Note note = dice.chance(0.4) ? note(dice) : brief(dice);
      List<String> pair = new NoteQuestions(note, dice).table();
      return dice.chance(0.3) ? List.of(note.text() + "\n\n" + pair.get(1)) : List.of(note.text() + "\n\n" + pair.get(0), pair.get(1));
    }
  },

  /** What terms mean. */
  TERMS(5, 2, 0, 2) {
    @Override
    List<String> turns(Dice dice) {
      List<String> turns = new ArrayList<>();
      for (int i = dice.between(1, 3); i > 0; i--) {
        turns.addAll(Reference.question(dice));
      }
      return turns;
    }
  },

  /** A telegraphic line in plain words, or the reverse. */
  REWRITE(8, 4, 0, 4) {
    @Override
    List<String> turns(Dice dice) {
      return Rewriting.turns(dice);
    }
  },

  /** A note, and of one organ group after the other whether the patient has symptoms of it now. */
  GROUPS(0, 60, 0, 60) {
    @Override
    List<String> turns(Dice dice) {
      Note note = dice.chance(0.65) ? note(dice) : brief(dice);
      NoteQuestions asker = new NoteQuestions(note, dice);
      List<String> turns = new ArrayList<>();
      for (List<String> pair : asker.groups(dice.between(3, 6))) {
        turns.add(turns.isEmpty() ? note.text() + "\n\n" + pair.get(0) : pair.get(0));
        turns.add(pair.get(1));
      }
      return turns;
    }
  },

  /** A note, and in many words whether an organ has symptoms now. */
  ASKED(0, 0, 0, 60) {
    @Override
    List<String> turns(Dice dice) {
      Note note = dice.chance(0.7) ? note(dice) : brief(dice);
      return new NoteQuestions(note, dice).inOtherWords(dice.between(2, 5));
    }
  },

  /** A list to be read back. */
  REPEATED(14, 2, 100, 2) {
    @Override
    List<String> turns(Dice dice) {
      return Drills.repeated(dice);
    }
  },

  /** A ward list and what can be looked up in it. */
  WARD(20, 6, 0, 6) {
    @Override
    List<String> turns(Dice dice) {
      return Drills.ward(dice);
    }
  },

  /** A note, and the status of one organ group after the other in one answer. */
  PANEL(24, 60, 0, 60) {
    @Override
    List<String> turns(Dice dice) {
      Note note = dice.chance(0.5) ? note(dice) : brief(dice);
      List<String> pair = new NoteQuestions(note, dice).panel();
      return List.of(note.text() + "\n\n" + pair.get(0), pair.get(1));
    }
  };

  private final int[] weights;

  /** @param weights in each mix, in their order */
  CorpusKind(int... weights) {
    this.weights = weights;
  }

  abstract List<String> turns(Dice dice);

  /** A row of a kind drawn by the weights of the mix. */
  static CorpusRow make(CorpusMix mix, Dice dice) {
    int[] weights = new int[values().length];
    for (CorpusKind kind : values()) {
      weights[kind.ordinal()] = kind.weights[mix.ordinal()];
    }
    CorpusKind kind = values()[dice.weighted(weights)];
    return new CorpusRow(kind.name().toLowerCase(java.util.Locale.ROOT), kind.turns(dice));
  }

  private static Note note(Dice dice) {
    return NoteWriter.write(CaseMaker.general(dice), dice.between(55, 150), dice);
  }

  private static Note brief(Dice dice) {
    return NoteWriter.write(CaseMaker.brief(dice), dice.between(0, 30), dice);
  }

  private static List<String> questions(Note note, int count, Dice dice) {
    NoteQuestions asker = new NoteQuestions(note, dice);
    List<String> turns = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      List<String> pair = asker.ask();
      turns.add(i == 0 ? note.text() + "\n\n" + pair.get(0) : pair.get(0));
      turns.add(pair.get(1));
    }
    return turns;
  }
}
