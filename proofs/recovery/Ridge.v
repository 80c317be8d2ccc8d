(** The coefficient of one neuron in a later one, from five values of the function at a ridge.

    Coordinates p, q around a point y on both boundaries: the point y + p w_u + q w_z. There the earlier neuron is
    u = mu p (w_z lies along its boundary), the later one is z = a |u| + lu p + nu q, and the function is
    f = alpha |u| + A |z| + c + fp p + fq q; a is wanted. [near] says that w_u lies in z's near piece. *)

From Coq Require Import QArith Qabs Lqa.
Open Scope Q_scope.

Section Ridge.
Variables mu a lu nu alpha A c fp fq : Q.

Definition u (p : Q) : Q := mu * p.
Definition z (p q : Q) : Q := a * Qabs (u p) + lu * p + nu * q.
Definition f (p q : Q) : Q := alpha * Qabs (u p) + A * Qabs (z p q) + c + fp * p + fq * q.

Variables s r : Q.
Hypothesis s_positive : 0 < s.
Hypothesis r_positive : 0 < r.
Hypothesis near : z s 0 == 0.
Hypothesis small : Qabs (2 * a * s * mu) < Qabs (r * nu).
Hypothesis bends : ~ A == 0.
Hypothesis transversal : ~ mu == 0.

(** The second difference across z on the near side, and the change of the first difference to the far side. *)
Definition second : Q := f s r + f s (- r) - 2 * f s 0.
Definition change : Q := (f (- s) r - f (- s) (- r)) - (f s r - f s (- r)).

Lemma u_far : Qabs (u (- s)) == Qabs (u s).
Proof. unfold u. rewrite <- Qabs_opp. apply Qabs_wd. ring. Qed.

Lemma z_near q : z s q == nu * q.
Proof. unfold z in *. lra. Qed.

Lemma z_far q : z (- s) q == 2 * a * Qabs (mu * s) + nu * q.
Proof. unfold z in *. rewrite u_far. unfold u in *. lra. Qed.

Lemma second_is : second == 2 * A * Qabs (nu * r).
Proof.
  unfold second, f. rewrite !z_near.
  assert (Qabs (nu * - r) == Qabs (nu * r)) as -> by (rewrite <- Qabs_opp; apply Qabs_wd; ring).
  assert (Qabs (nu * 0) == 0) as -> by (setoid_replace (nu * 0) with 0 by ring; reflexivity). ring.
Qed.

Lemma second_zero_iff : second == 0 <-> A * nu == 0.
Proof.
  rewrite second_is. rewrite Qabs_Qmult, (Qabs_pos r) by lra. split; intro H.
  - assert (A * Qabs nu * (2 * r) == 0) as H' by lra.
    apply Qmult_integral in H' as [H'|]; [|lra]. apply Qmult_integral in H' as [H'|H']; [rewrite H'; ring|].
    destruct (Qlt_le_dec nu 0); [rewrite Qabs_neg in H'|rewrite Qabs_pos in H']; try lra;
      (assert (nu == 0) as -> by lra; ring).
  - apply Qmult_integral in H as [-> | ->]; [ring|]. change (Qabs 0) with 0. ring.
Qed.

Theorem ridge_coefficient : a == change / second * (r * nu) / (2 * s * Qabs mu).
Proof.
  assert (0 < Qabs mu) as Pmu.
  { destruct (Qlt_le_dec mu 0); [rewrite Qabs_neg|rewrite Qabs_pos]; lra. }
  assert (Qabs (mu * s) == Qabs mu * s) as Emu by (rewrite Qabs_Qmult, (Qabs_pos s) by lra; reflexivity).
  assert (Qabs (2 * a * s * mu) == Qabs (2 * a * (Qabs mu * s))) as Esmall.
  { rewrite !Qabs_Qmult, (Qabs_pos (Qabs mu)) by apply Qabs_nonneg. ring. }
  rewrite Esmall in small. set (k := 2 * a * (Qabs mu * s)) in *.
  assert (Qabs (nu * - r) == Qabs (nu * r)) as Er by (rewrite <- Qabs_opp; apply Qabs_wd; ring).
  assert (change == A * (Qabs (k + nu * r) - Qabs (k - nu * r))) as Ech.
  { unfold change, f. rewrite !z_near, !z_far, Er, Emu. fold k.
    setoid_replace (k + nu * - r) with (k - nu * r) by ring. ring. }
  setoid_replace (r * nu) with (nu * r) in small by ring. rewrite second_is, Ech.
  apply Qabs_Qlt_condition in small. destruct (Qlt_le_dec (nu * r) 0) as [N|N].
  - rewrite (Qabs_neg (nu * r)) in * by lra. rewrite (Qabs_neg (k + nu * r)), (Qabs_pos (k - nu * r)) by lra.
    unfold k. field. repeat split; try lra; try assumption; intro E; rewrite E in N; lra.
  - rewrite (Qabs_pos (nu * r)) in * by lra. rewrite (Qabs_pos (k + nu * r)), (Qabs_neg (k - nu * r)) by lra.
    unfold k. field. repeat split; try lra; try assumption; intro E; rewrite E in small; lra.
Qed.
End Ridge.
