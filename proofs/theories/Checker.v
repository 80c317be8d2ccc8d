(** The checker: rules and names are those of FORMAT.md. It computes in Z and is extracted to OCaml.

    Every function returns [Ok] or the reason of the first refusal. Every loop over input is a tail call. *)

From Coq Require Import QArith Qabs ZArith NArith List.
From Exactre Require Import Network Forms Numbered.
Import ListNotations.
Open Scope N_scope.

(** ** What a certificate says *)

Inductive fact := One | Relu (k : N) | Gap (k : N) | Domain (i : N).
Definition derivation := list (fact * Q).

Inductive step :=
  | Atom
  | Scaled (k : N) (s : Q)
  | Constant
  | Active (d : derivation)
  | Inactive (d : derivation).

(** The case tree in preorder: a split is followed by its active, then its inactive subtree; a stable node, which is
    FORMAT.md's "active" or "inactive", by its only subtree. *)
Inductive tree_node :=
  | Split (k : N)
  | Stable (k : N) (active : bool) (d : derivation)
  | Infeasible (d : derivation)
  | Equal
  | Bounded (proofs : list (option (derivation * derivation))).

(** ** Answers *)

Inductive reason :=
  | UnknownValue              (* a row reads a value that is not computed yet *)
  | UnknownAtom (k : N)
  | UnknownDomainRow (i : N)
  | MultiplierNotPositive
  | NotDerived                (* the weighted facts and the claim differ *)
  | ScaleZero
  | NotMultiple (k : N)
  | NotConstant
  | StepsMissing
  | StepsLeft
  | ChosenTwice (k : N)
  | NotEqual (output : N)
  | TreeEnds
  | TreeGoesOn
  | WidthsDiffer
  | InputsMissing             (* the witness has not one coordinate for each input *)
  | NegativeTolerance
  | OutsideDomain (row : N)
  | WrongOutput (output : N)
  | WithinTolerance.

Inductive place := InA (neuron : N) | InB (neuron : N) | InTree (number : N) | InDomain | InWitness | InFiles.

Inductive result (A : Type) := Ok (a : A) | Refused (p : place) (r : reason).
Arguments Ok {A}.
Arguments Refused {A}.

(** ** Facts, derivations, cells *)

Definition minus_one : Q := -1 # 1.

(** Atom k is value number [fst] of the valuation and the ReLU of the form [snd]. *)
Record table := Table { count : N; atoms : numbered (N * form) }.

Definition fact_form (domain : numbered form) (tb : table) (f : fact) : form + reason :=
  match f with
  | One => inl (variable 0)
  | Relu k => match find k (atoms tb) with
              | Some (key, _) => inl (variable key)
              | None => inr (UnknownAtom k)
              end
  | Gap k => match find k (atoms tb) with
             | Some (key, e) => inl (combination [(1%Q, variable key); (minus_one, e)])
             | None => inr (UnknownAtom k)
             end
  | Domain i => match find i domain with
                | Some g => inl g
                | None => inr (UnknownDomainRow i)
                end
  end.

Fixpoint weigh (domain : numbered form) (tb : table) (d : derivation) (acc : list (Q * form))
    : list (Q * form) + reason :=
  match d with
  | [] => inl acc
  | (f, q) :: rest =>
      if Z.leb (Qnum q) 0 then inr MultiplierNotPositive
      else match fact_form domain tb f with
           | inl g => weigh domain tb rest ((q, g) :: acc)
           | inr r => inr r
           end
  end.

(** The choices of a cell, highest value number first: each chosen atom and the form that it equals there. *)
Definition cell := list (N * form).

Definition reduce (c : cell) (f : form) : form :=
  fold_left (fun f choice => substitute f (fst choice) (snd choice)) c f.

(** [None] when [derivation] derives [target >= 0] in the cell. *)
Definition derive (domain : numbered form) (tb : table) (c : cell) (d : derivation) (target : form) : option reason :=
  match weigh domain tb d [(minus_one, target)] with
  | inl fs => if is_zero (reduce c (combination fs)) then None else Some NotDerived
  | inr r => Some r
  end.

(** ** Neurons *)

(** The new table and the neuron's form, for preactivation [u] of the neuron with value number [key]. *)
Definition visit (domain : numbered form) (tb : table) (key : N) (u : form) (s : step) : (table * form) + reason :=
  match s with
  | Atom => inl (Table (count tb + 1) (add (count tb) (key, u) (atoms tb)), variable key)
  | Scaled k s =>
      match find k (atoms tb) with
      | None => inr (UnknownAtom k)
      | Some (atom, e) =>
          if negb (is_multiple u s e) then inr (NotMultiple k)
          else match Qnum s with
               | Z0 => inr ScaleZero
               | Zpos _ => inl (tb, combination [(s, variable atom)])
               | Zneg _ => inl (tb, combination [(Qopp s, variable atom); (s, e)])
               end
      end
  | Constant =>
      match constant_value u with
      | None => inr NotConstant
      | Some q => inl (tb, if Z.leb (Qnum q) 0 then zero else constant q)
      end
  | Active d =>
      match derive domain tb [] d u with None => inl (tb, u) | Some r => inr r end
  | Inactive d =>
      match derive domain tb [] d (combination [(minus_one, u)]) with None => inl (tb, zero) | Some r => inr r end
  end.

(** ** Walking over a network *)

(** [env] has the form of every value computed so far, by number; [next] is the next number. *)
Record state := State { next : N; env : numbered form; facts : table; steps : list step; neuron : N }.

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
      | None => Refused (here (neuron st)) UnknownValue
      | Some u =>
          if with_relu then
            match steps st with
            | [] => Refused (here (neuron st)) StepsMissing
            | s :: steps' =>
                match visit domain (facts st) (next st + shift) u s with
                | inr why => Refused (here (neuron st)) why
                | inl (tb, h) =>
                    walk_rows with_relu before rest
                      (State (next st + 1) (add (next st) h (env st)) tb steps' (neuron st + 1)) (h :: out)
                end
            end
          else
            walk_rows with_relu before rest
              (State (next st + 1) (add (next st) u (env st)) (facts st) (steps st) (neuron st)) (u :: out)
      end
  end.

Fixpoint walk (nds : list node) (st : state) (out : list form) : result (state * list form) :=
  match nds with
  | [] => match steps st with [] => Ok (st, out) | _ :: _ => Refused (here (neuron st)) StepsLeft end
  | nd :: rest =>
      match walk_rows (relu_node nd) (env st) (rows nd) st [] with
      | Ok (st', reversed) => walk rest st' (rev_append reversed [])
      | Refused p r => Refused p r
      end
  end.
End Walk.

(** The map from the numbers i, i + 1, ... to the forms of a list. *)
Fixpoint enumerate (fs : list form) (i : N) (m : numbered form) : N * numbered form :=
  match fs with
  | [] => (i, m)
  | f :: rest => enumerate rest (i + 1) (add i f m)
  end.

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

(** Both networks from the same inputs' forms: their outputs' forms and the table of atoms. *)
Definition walk_both (a b : network) (start : N * numbered form) (domain : numbered form) (steps_a steps_b : list step)
    : result (table * list form * list form) :=
  if negb (Nat.eqb (inputs a) (inputs b)) then Refused InFiles WidthsDiffer
  else match walk domain InA 0 (nodes a) (State (fst start) (snd start) (Table 0 Empty) steps_a 0) [] with
  | Refused p r => Refused p r
  | Ok (st, outs_a) =>
      match walk domain InB (next st - fst start) (nodes b)
                 (State (fst start) (snd start) (facts st) steps_b 0) [] with
      | Refused p r => Refused p r
      | Ok (st', outs_b) => Ok (facts st', outs_a, outs_b)
      end
  end.

(** ** The case tree *)

(** An output's difference d and the forms q - d and q + d of its two bounds, q the tolerance. *)
Record target := Target { difference : form; upper : form; lower : form }.

Fixpoint targets (tolerance : form) (fs gs : list form) (acc : list target) : option (list target) :=
  match fs, gs with
  | [], [] => Some (rev_append acc [])
  | f :: fs', g :: gs' =>
      let d := combination [(1%Q, f); (minus_one, g)] in
      targets tolerance fs' gs'
        (Target d (combination [(1%Q, tolerance); (minus_one, d)]) (combination [(1%Q, tolerance); (1%Q, d)]) :: acc)
  | _, _ => None
  end.

Fixpoint all_equal (c : cell) (ts : list target) (i : N) : option reason :=
  match ts with
  | [] => None
  | t :: rest => if is_zero (reduce c (difference t)) then all_equal c rest (i + 1) else Some (NotEqual i)
  end.

Fixpoint all_bounded (domain : numbered form) (tb : table) (c : cell) (ts : list target)
    (ps : list (option (derivation * derivation))) (i : N) : option reason :=
  match ts, ps with
  | [], [] => None
  | t :: ts', None :: ps' =>
      if is_zero (reduce c (difference t)) then all_bounded domain tb c ts' ps' (i + 1) else Some (NotEqual i)
  | t :: ts', Some (du, dl) :: ps' =>
      match derive domain tb c du (upper t) with
      | Some r => Some r
      | None => match derive domain tb c dl (lower t) with
                | Some r => Some r
                | None => all_bounded domain tb c ts' ps' (i + 1)
                end
      end
  | _, _ => Some WidthsDiffer
  end.

(** Adds a choice to a cell, in order; [None] when the atom is chosen already. [above] is reversed. *)
Fixpoint choose (key : N) (e : form) (c above : cell) : option cell :=
  match c with
  | [] => Some (rev_append above [(key, e)])
  | (j, f) :: rest =>
      match N.compare j key with
      | Gt => choose key e rest ((j, f) :: above)
      | Eq => None
      | Lt => Some (rev_append above ((key, e) :: c))
      end
  end.

(** The form of atom k and the cell on one of its sides. *)
Definition enter (tb : table) (c : cell) (k : N) (active : bool) : (form * cell) + reason :=
  match find k (atoms tb) with
  | None => inr (UnknownAtom k)
  | Some (key, e) =>
      match choose key (if active then e else zero) c [] with
      | Some side => inl (e, side)
      | None => inr (ChosenTwice k)
      end
  end.

(** [stack] has the cells whose subtrees are still to come. *)
Fixpoint walk_tree (domain : numbered form) (tb : table) (ts : list target) (nds : list tree_node) (number : N)
    (stack : list cell) : result unit :=
  match nds, stack with
  | [], [] => Ok tt
  | [], _ :: _ => Refused (InTree number) TreeEnds
  | _ :: _, [] => Refused (InTree number) TreeGoesOn
  | nd :: rest, c :: cs =>
      let leaf refusal := match refusal with
                          | None => walk_tree domain tb ts rest (number + 1) cs
                          | Some r => Refused (InTree number) r
                          end in
      match nd with
      | Split k =>
          match enter tb c k true, enter tb c k false with
          | inl (_, active), inl (_, inactive) => walk_tree domain tb ts rest (number + 1) (active :: inactive :: cs)
          | inr r, _ | _, inr r => Refused (InTree number) r
          end
      | Stable k active d =>
          match enter tb c k active with
          | inr r => Refused (InTree number) r
          | inl (e, side) =>
              match derive domain tb c d (if active then e else combination [(minus_one, e)]) with
              | None => walk_tree domain tb ts rest (number + 1) (side :: cs)
              | Some r => Refused (InTree number) r
              end
          end
      | Infeasible d => leaf (derive domain tb c d (constant minus_one))
      | Equal => leaf (all_equal c ts 0)
      | Bounded ps => leaf (all_bounded domain tb c ts ps 0)
      end
  end.

(** ** The two claims *)

Fixpoint has_length {A : Type} (l : list A) (n : nat) : bool :=
  match l, n with
  | [], O => true
  | _ :: l', S n' => has_length l' n'
  | _, _ => false
  end.

Definition check_equivalent (a b : network) (domain : polyhedron) (tolerance : Q) (steps_a steps_b : list step)
    (tree : list tree_node) : result unit :=
  let start := enumerate (variable 0 :: variables (inputs a) 1 []) 0 Empty in
  if Z.ltb (Qnum tolerance) 0 then Refused InFiles NegativeTolerance
  else match domain_forms (snd start) domain [] with
  | None => Refused InDomain UnknownValue
  | Some gs =>
      let dom := snd (enumerate gs 0 Empty) in
      match walk_both a b start dom steps_a steps_b with
      | Refused p r => Refused p r
      | Ok (tb, outs_a, outs_b) =>
          match targets (constant tolerance) outs_a outs_b [] with
          | None => Refused InFiles WidthsDiffer
          | Some ts => walk_tree dom tb ts tree 0 [[]]
          end
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

Definition check_different (a b : network) (domain : polyhedron) (tolerance : Q) (point output_a output_b : list Q)
    : result unit :=
  let start := enumerate (variable 0 :: rev_append (fold_left (fun acc q => constant q :: acc) point []) [])
                         0 Empty in
  let refuse refusal accepted := match refusal with Some r => Refused InWitness r | None => accepted end in
  if negb (has_length point (inputs a)) then Refused InWitness InputsMissing
  else match domain_forms (snd start) domain [] with
  | None => Refused InDomain UnknownValue
  | Some gs =>
      refuse (inside gs 0)
        match walk_both a b start Empty (constant_steps a) (constant_steps b) with
        | Refused p r => Refused p r
        | Ok (_, outs_a, outs_b) =>
            refuse (same_values outs_a output_a 0)
              (refuse (same_values outs_b output_b 0)
                (refuse (beyond tolerance false output_a output_b) (Ok tt)))
        end
  end.
