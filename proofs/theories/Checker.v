(** The checker: one step for each neuron of both networks, then the case tree; or a witness.

    Rules and names are those of FORMAT.md. Everything computes in Z and is extracted to OCaml; every loop over input
    is a tail call. *)

From Coq Require Import QArith Qabs ZArith NArith List.
From Exactre Require Import Network Forms Numbered Rules Decisions.
Import ListNotations.
Open Scope N_scope.

(** Where something is refused: in a step of A or B, the case tree, ... *)
Inductive place := InA (step : N) | InB (step : N) | InTree | InDomain | InWitness | InFiles.

Inductive result (A : Type) := Ok (a : A) | Refused (p : place) (r : reason).
Arguments Ok {A}.
Arguments Refused {A}.

(** ** Steps that belong to no neuron *)

Fixpoint part_forms (tb : table) (t : list (part * Q)) (acc : list (Q * form)) : list (Q * form) + reason :=
  match t with
  | [] => inl acc
  | (p, q) :: rest =>
      match p with
      | PartOne => part_forms tb rest ((q, variable 0) :: acc)
      | PartInput i => if N.ltb (i + 1) (first tb) then part_forms tb rest ((q, variable (i + 1)) :: acc)
                       else inr (UnknownInput i)
      | PartAtom k => match find k (atoms tb) with
                      | Some (key, _) => part_forms tb rest ((q, variable key) :: acc)
                      | None => inr (UnknownAtom k)
                      end
      | PartE k => match find k (atoms tb) with
                   | Some (_, e) => part_forms tb rest ((q, e) :: acc)
                   | None => inr (UnknownAtom k)
                   end
      end
  end.

Fixpoint last_term (ts : list (N * Z)) (before : option (N * Z)) : option (N * Z) :=
  match ts with
  | [] => before
  | t :: rest => last_term rest (Some t)
  end.

(** t = 0 on the domain, proved by a case tree: its highest atom is then [atom - t / coefficient]. *)
Definition learn_zero (domain : numbered form) (tb : table) (parts : list (part * Q)) (tree : list tree_node)
    : table + reason :=
  match part_forms tb parts [] with
  | inr r => inr r
  | inl fs =>
      let t := reduce (learnt tb) (combination fs) in
      match last_term (terms t) None with
      | None => inr NoAtom
      | Some (key, c) =>
          if N.ltb key (first tb) then inr NoAtom
          else match check_tree domain tb (close_within domain tb [Target t (combination [(minus_one, t)]) t]) tree with
          | Some r => inr r
          | None =>
              match choose key (combination [(1%Q, variable key); (Qopp (Qinv (c # den t)), t)]) (learnt tb) with
              | Some equations =>
                  inl (Table (first tb) (count tb) (atoms tb) equations (bound_count tb) (bounds tb))
              | None => inr NoAtom
              end
          end
      end
  end.

(** From e_j <= t and 0 <= t follows r_j <= t. *)
Definition learn_bound (domain : numbered form) (tb : table) (j : N) (parts : list (part * Q))
    (above_e above_zero : derivation) : table + reason :=
  match find j (atoms tb), part_forms tb parts [] with
  | None, _ => inr (UnknownAtom j)
  | _, inr r => inr r
  | Some (key, e), inl fs =>
      let t := combination fs in
      match derive domain tb (learnt tb) above_e (combination [(1%Q, t); (minus_one, e)]),
            derive domain tb (learnt tb) above_zero t with
      | Some r, _ | None, Some r => inr r
      | None, None =>
          inl (Table (first tb) (count tb) (atoms tb) (learnt tb) (bound_count tb + 1)
                     (add (bound_count tb) (combination [(1%Q, t); (minus_one, variable key)]) (bounds tb)))
      end
  end.

(** Takes the steps that belong to no neuron from the front of the list; [n] is the number of the first. *)
Fixpoint learn (domain : numbered form) (here : N -> place) (tb : table) (steps : list step) (n : N)
    : result (table * list step * N) :=
  match steps with
  | LearnZero t tree :: rest =>
      match learn_zero domain tb t tree with
      | inl tb' => learn domain here tb' rest (n + 1)
      | inr r => Refused (here n) r
      end
  | LearnBound j t above_e above_zero :: rest =>
      match learn_bound domain tb j t above_e above_zero with
      | inl tb' => learn domain here tb' rest (n + 1)
      | inr r => Refused (here n) r
      end
  | _ => Ok (tb, steps, n)
  end.

(** ** Neurons *)

(** The new table and the neuron's form, for preactivation [u] of the neuron with value number [key]. *)
Definition visit (domain : numbered form) (tb : table) (key : N) (preactivation : form) (s : step)
    : (table * form) + reason :=
  let u := reduce (learnt tb) preactivation in
  match s with
  | Atom => inl (Table (first tb) (count tb + 1) (add (count tb) (key, u) (atoms tb)) (learnt tb) (bound_count tb)
                       (bounds tb), variable key)
  | Scaled k s =>
      match find k (atoms tb) with
      | None => inr (UnknownAtom k)
      | Some (atom, e) =>
          if negb (is_multiple u s (reduce (learnt tb) e)) then inr (NotMultiple k)
          else inl (tb, scaled_form atom e s)
      end
  | Constant =>
      match constant_value u with
      | None => inr NotConstant
      | Some q => inl (tb, if Z.leb (Qnum q) 0 then zero else constant q)
      end
  | Active d =>
      match derive domain tb (learnt tb) d u with None => inl (tb, u) | Some r => inr r end
  | Inactive d =>
      match derive domain tb (learnt tb) d (combination [(minus_one, u)]) with
      | None => inl (tb, zero)
      | Some r => inr r
      end
  | LearnZero _ _ | LearnBound _ _ _ _ => inr StepCount
  end.

(** ** Walking over a network *)

(** [env] has the form of every value computed so far, by number; [next] is the next number; [step_number] that of the
    next step. *)
Record state := State { next : N; env : numbered form; facts : table; steps : list step; step_number : N }.

Fixpoint look_up (env : numbered form) (r : row) (acc : list (Q * form)) : option (list (Q * form)) :=
  match r with
  | [] => Some acc
  | (i, c) :: rest => match find i env with Some f => look_up env rest ((c, f) :: acc) | None => None end
  end.

(** A row over values becomes a form over 1, inputs and atoms. *)
Definition affine (env : numbered form) (r : row) : option form :=
  match look_up env r [] with
  | Some fs => Some (combination fs)
  | None => None
  end.

Section Walk.
Variable domain : numbered form.
Variable here : N -> place.
Variable shift : N.     (* value i of this network is value [i + shift] of the valuation *)

(** One node: its rows read [before], the values of earlier nodes; [out] is reversed. *)
Fixpoint walk_rows (with_relu : bool) (before : numbered form) (rs : list row) (st : state) (out : list form)
    : result (state * list form) :=
  match rs with
  | [] => Ok (st, out)
  | r :: rest =>
      match affine before r with
      | None => Refused (here (step_number st)) UnknownValue
      | Some u =>
          if with_relu then
            match learn domain here (facts st) (steps st) (step_number st) with
            | Refused p why => Refused p why
            | Ok (_, [], n) => Refused (here n) StepCount
            | Ok (tb, s :: steps', n) =>
                match visit domain tb (next st + shift) u s with
                | inr why => Refused (here n) why
                | inl (tb', h) =>
                    walk_rows with_relu before rest
                      (State (next st + 1) (add (next st) h (env st)) tb' steps' (n + 1)) (h :: out)
                end
            end
          else
            walk_rows with_relu before rest
              (State (next st + 1) (add (next st) u (env st)) (facts st) (steps st) (step_number st)) (u :: out)
      end
  end.

Fixpoint walk (nds : list node) (st : state) (out : list form) : result (state * list form) :=
  match nds with
  | [] =>
      match learn domain here (facts st) (steps st) (step_number st) with
      | Refused p r => Refused p r
      | Ok (_, _ :: _, n) => Refused (here n) StepCount
      | Ok (tb, [], n) => Ok (State (next st) (env st) tb [] n, out)
      end
  | nd :: rest =>
      match walk_rows (relu_node nd) (env st) (rows nd) st [] with
      | Ok (st', reversed) => walk rest st' (rev_append reversed [])
      | Refused p r => Refused p r
      end
  end.
End Walk.

Definition neurons (net : network) : N :=
  fold_left (fun n nd => if relu_node nd then fold_left (fun n _ => n + 1) (rows nd) n else n) (nodes net) 0.

Definition neuron_steps (steps : list step) : N :=
  fold_left (fun n s => match s with LearnZero _ _ | LearnBound _ _ _ _ => n | _ => n + 1 end) steps 0.

(** The inequalities [row <= bound] of the domain as forms [bound - row] over 1 and the inputs; one that reads
    anything else is refused. *)
Fixpoint domain_forms (start : numbered form) (domain : polyhedron) (acc : list form) : option (list form) :=
  match domain with
  | [] => Some (rev_append acc [])
  | (r, bound) :: rest =>
      match affine start r with
      | Some f => domain_forms start rest (combination [(1%Q, constant bound); (minus_one, f)] :: acc)
      | None => None
      end
  end.

(** The variables number i, i + 1, ..., [n] of them, after those in [acc], which is reversed. *)
Fixpoint variables (n : nat) (i : N) (acc : list form) : list form :=
  match n with
  | O => rev_append acc []
  | S n' => variables n' (i + 1) (variable i :: acc)
  end.

(** One network from the inputs' forms: its outputs' forms, the table of atoms, the next value number. *)
Definition walk_one (net : network) (start : N * numbered form) (domain : numbered form) (here : N -> place) (shift : N)
    (tb : table) (steps : list step) : result (state * list form) :=
  if N.eqb (neurons net) (neuron_steps steps)
  then walk domain here shift (nodes net) (State (fst start) (snd start) tb steps 0) []
  else Refused (here 0) StepCount.

(** Both networks from the same inputs' forms: their outputs' forms and the table of atoms. *)
Definition walk_both (a b : network) (start : N * numbered form) (domain : numbered form) (steps_a steps_b : list step)
    : result (table * list form * list form) :=
  if negb (Nat.eqb (inputs a) (inputs b)) then Refused InFiles WidthsDiffer
  else match walk_one a start domain InA 0 (Table (fst start) 0 Empty no_equations 0 Empty) steps_a with
  | Refused p r => Refused p r
  | Ok (st, outs_a) =>
      match walk_one b start domain InB (next st - fst start) (facts st) steps_b with
      | Refused p r => Refused p r
      | Ok (st', outs_b) => Ok (facts st', outs_a, outs_b)
      end
  end.

(** ** The claims *)

Fixpoint has_length {A : Type} (l : list A) (n : nat) : bool :=
  match l, n with
  | [], O => true
  | _ :: l', S n' => has_length l' n'
  | _, _ => false
  end.

Fixpoint equally_long {A B : Type} (l : list A) (m : list B) : bool :=
  match l, m with
  | [], [] => true
  | _ :: l', _ :: m' => equally_long l' m'
  | _, _ => false
  end.

Fixpoint last_rows (nds : list node) (last : list row) : list row :=
  match nds with
  | [] => last
  | nd :: rest => last_rows rest (rows nd)
  end.

(** As many inputs and as many outputs: said first, so that nothing else is said about networks that do not fit. *)
Definition same_sizes (a b : network) : bool :=
  Nat.eqb (inputs a) (inputs b) && equally_long (last_rows (nodes a) []) (last_rows (nodes b) []).

(** Both networks from variables for inputs: the domain's facts, the table of atoms, the outputs' forms. *)
Definition walk_files (a b : network) (domain : polyhedron) (steps_a steps_b : list step)
    : result (numbered form * table * list form * list form) :=
  let start := enumerate (variable 0 :: variables (inputs a) 1 []) 0 Empty in
  if negb (same_sizes a b) then Refused InFiles WidthsDiffer
  else match domain_forms (snd start) domain [] with
  | None => Refused InDomain UnknownValue
  | Some gs =>
      let dom := snd (enumerate gs 0 Empty) in
      match walk_both a b start dom steps_a steps_b with
      | Refused p r => Refused p r
      | Ok (tb, outs_a, outs_b) => Ok (dom, tb, outs_a, outs_b)
      end
  end.

Definition in_tree (refusal : option reason) : result unit :=
  match refusal with None => Ok tt | Some r => Refused InTree r end.

Definition check_equivalent (a b : network) (domain : polyhedron) (tolerance : Q) (steps_a steps_b : list step)
    (tree : list tree_node) : result unit :=
  if Z.ltb (Qnum tolerance) 0 then Refused InFiles NegativeTolerance
  else match walk_files a b domain steps_a steps_b with
  | Refused p r => Refused p r
  | Ok (dom, tb, outs_a, outs_b) =>
      match targets (constant tolerance) outs_a outs_b [] with
      | None => Refused InFiles WidthsDiffer
      | Some ts => in_tree (check_tree dom tb (close_within dom tb ts) tree)
      end
  end.

Definition check_same_argmax (a b : network) (domain : polyhedron) (steps_a steps_b : list step)
    (tree : list tree_node) : result unit :=
  match walk_files a b domain steps_a steps_b with
  | Refused p r => Refused p r
  | Ok (dom, tb, outs_a, outs_b) =>
      if negb (equally_long outs_a outs_b) then Refused InFiles WidthsDiffer
      else match outs_a with
      | [] => Refused InFiles WidthsDiffer
      | _ :: _ =>
          let (count, numbered_a) := enumerate outs_a 0 Empty in
          let numbered_b := snd (enumerate outs_b 0 Empty) in
          in_tree (check_tree dom tb (close_decided dom tb outs_a outs_b numbered_a numbered_b count) tree)
      end
  end.

(** With constants for inputs, every neuron is constant: evaluation is the same walk. *)
Definition constant_steps (net : network) : list step :=
  fold_left (fun acc nd => if relu_node nd then fold_left (fun acc _ => Constant :: acc) (rows nd) acc else acc)
            (nodes net) [].

Fixpoint inside (gs : list form) (i : N) : option reason :=
  match gs with
  | [] => None
  | g :: rest => match constant_value g with
                 | Some q => if Z.leb 0 (Qnum q) then inside rest (i + 1) else Some (OutsideDomain i)
                 | None => Some UnknownValue
                 end
  end.

Fixpoint same_values (fs : list form) (qs : list Q) (i : N) : option reason :=
  match fs, qs with
  | [], [] => None
  | f :: fs', q :: qs' => match constant_value f with
                          | Some p => if Qeq_bool p q then same_values fs' qs' (i + 1) else Some (WrongOutput i)
                          | None => Some UnknownValue
                          end
  | _, _ => Some WidthsDiffer
  end.

(** [None] when the lists are equally long and some pair differs by more than the tolerance, or did [already]. *)
Fixpoint beyond (tolerance : Q) (already : bool) (ps qs : list Q) : option reason :=
  match ps, qs with
  | [], [] => if already then None else Some WithinTolerance
  | p :: ps', q :: qs' => beyond tolerance (already || negb (Qle_bool (Qabs (p - q)) tolerance)) ps' qs'
  | _, _ => Some WidthsDiffer
  end.

(** [None] when the lists are equally long and have two decisions. *)
Definition two_decisions (ps qs : list Q) : option reason :=
  match decision ps, decision qs with
  | Some i, Some j =>
      if equally_long ps qs then (if N.eqb i j then Some SameDecision else None) else Some WidthsDiffer
  | _, _ => Some WidthsDiffer
  end.

(** The point is in the domain and the outputs are the networks'; [last] is what refuses them all the same. *)
Definition check_witness (a b : network) (domain : polyhedron) (point output_a output_b : list Q)
    (last : option reason) : result unit :=
  let start := enumerate (variable 0 :: rev_append (fold_left (fun acc q => constant q :: acc) point []) [])
                         0 Empty in
  let refuse refusal accepted := match refusal with Some r => Refused InWitness r | None => accepted end in
  if negb (same_sizes a b) then Refused InFiles WidthsDiffer
  else if negb (has_length point (inputs a)) then Refused InWitness InputsMissing
  else match domain_forms (snd start) domain [] with
  | None => Refused InDomain UnknownValue
  | Some gs =>
      refuse (inside gs 0)
        match walk_both a b start Empty (constant_steps a) (constant_steps b) with
        | Refused p r => Refused p r
        | Ok (_, outs_a, outs_b) =>
            refuse (same_values outs_a output_a 0) (refuse (same_values outs_b output_b 0) (refuse last (Ok tt)))
        end
  end.

Definition check_different (a b : network) (domain : polyhedron) (tolerance : Q) (point output_a output_b : list Q)
    : result unit :=
  check_witness a b domain point output_a output_b (beyond tolerance false output_a output_b).

Definition check_different_argmax (a b : network) (domain : polyhedron) (point output_a output_b : list Q)
    : result unit :=
  check_witness a b domain point output_a output_b (two_decisions output_a output_b).
