; What is heard when: watches the game's RAM from frame to frame and starts effects and tunes.
; The rules know nothing of it.
.include "ram.inc"
.include "routines.inc"
.include "sound.inc"

.segment "CODE"

; A = effect: it starts unless a higher one sounds on its channel; it may bring the next in the list with it.
.proc start_effect
  sta effect
@again:
  ldy effect
  lda effect_channel, y
  and #3
  tax
  lda track_on + CHANNELS, x
  beq @start
  lda effect_ranks, y
  cmp effect_rank, x
  bcc @more
@start:
  lda effect_ranks, y
  sta effect_rank, x
  inx
  inx
  inx
  inx                           ; the effect's track of this channel
  lda effect_high, y
  pha
  lda effect_low, y
  sta stream
  pla
  tay
  lda stream
  jsr start_track
@more:
  ldy effect
  inc effect
  lda effect_channel, y
  bmi @again
  rts
.endproc

; --- tunes ---------------------------------------------------------------------------------
; Menus and play have the chosen tune; the end of a round has none.
.proc choose_tune
  lda music
  cmp #TUNES
  bcs @none
  lda mode
  cmp #MODE_TOPPED_OUT
  beq @none
  cmp #MODE_ROUND_OVER
  beq @none
  cmp #MODE_PLAY
  bne @wanted
  lda P1 + O_VIRUSES
  beq @none
  lda P1 + O_LOST
  bne @none
  jsr two_play
  bcc @wanted
  lda P2 + O_VIRUSES
  beq @none
@wanted:
  ldx music
  inx
  cpx tune_playing
  beq @done
  stx tune_playing
  jmp start_tune
@none:
  lda tune_playing
  beq @done
  lda #0
  sta tune_playing
  ldx #CHANNELS - 1
: sta track_on, x
  dex
  bpl :-
@done:
  rts
.endproc

; X = tune + 1
.proc start_tune
  dex
  txa
  asl a
  asl a
  clc
  adc #CHANNELS - 1
  sta effect
  ldx #CHANNELS - 1
@track:
  ldy effect
  lda tune_low, y
  pha
  lda tune_high, y
  tay
  pla
  jsr start_track
  txa
  and #1                        ; half of them a frame later: their notes are not all to be read in one
  sec
  adc #0
  sta track_wait, x
  dec effect
  dex
  bpl @track
  rts
.endproc

; --- events ----------------------------------------------------------------------------------
.proc listen
  jsr hear_pause
  jsr hear_menu
  lda mode
  cmp #MODE_PLAY
  bne @quiet
  lda pause_state
  bne @done
  ldx #0
  ldy #P1 - P1
  jsr hear_player
  jsr two_play
  bcc @done
  ldx #1
  ldy #P2 - P1
  jmp hear_player
@quiet:
  lda P1 + O_VIRUSES            ; so that play begins with nothing new
  sta seen_viruses
  lda P2 + O_VIRUSES
  sta seen_viruses + 1
  lda #0
  sta seen_lost
  sta seen_lost + 1
@done:
  rts
.endproc

.proc hear_pause
  lda pause_state
  cmp seen_pause
  beq @done
  sta seen_pause
  lda #EFFECT_PAUSE
  jmp start_effect
@done:
  rts
.endproc

; A new mode, or another choice in a menu.
.proc hear_menu
  lda mode
  cmp seen_mode
  beq @same
  sta seen_mode
  jsr sum_choices
  sta seen_menu
  ldx mode
  lda mode_effect, x
  bpl @start
@done:
  rts
@same:
  cmp #MODE_BUILD
  bcs @done
  jsr sum_choices
  cmp seen_menu
  beq @done
  sta seen_menu
  lda #EFFECT_TICK
@start:
  jmp start_effect
.endproc

; A number that changes with every choice.
.proc sum_choices
  lda players
  clc
  adc vs_cpu
  asl a
  adc option_row
  asl a
  adc music
  asl a
  adc P1 + O_SPEED
  adc P1 + O_LEVEL
  asl a
  adc P2 + O_SPEED
  adc P2 + O_LEVEL
  rts
.endproc

; X = player 0/1, Y = its block.
.proc hear_player
  sty block_y
  jsr hear_ends
  jsr hear_lines
  jsr hear_lock
  jmp hear_moves
.endproc

.proc hear_ends
  lda P1 + O_LOST, y
  cmp seen_lost, x
  beq @viruses
  sta seen_lost, x
  lda #EFFECT_TOP_OUT
  jmp start_for
@viruses:
  lda P1 + O_VIRUSES, y
  cmp seen_viruses, x
  beq @done
  sta seen_viruses, x
  cmp #0
  bne @done
  lda #EFFECT_STAGE_CLEAR
  jmp start_for
@done:
  rts
.endproc

; A line: the more of them at once, the longer it sounds.  Kills are heard too.
.proc hear_lines
  ldy block_y
  lda P1 + O_KILLS, y
  cmp seen_kills, x
  sta seen_kills, x
  beq @matches
  bcc @matches
  lda #EFFECT_VIRUS
  jsr start_for
@matches:
  ldy block_y
  lda P1 + O_MATCHES, y
  cmp seen_matches, x
  sta seen_matches, x
  beq @done
  bcc @done
  cmp #3
  bcc :+
  lda #3
: tay
  lda clear_effect - 1, y
  jmp start_for
@done:
  rts
.endproc

; 0 -> 1: a capsule locks; 2 -> 1: garbage arrives.
.proc hear_lock
  ldy block_y
  lda P1 + O_ACTION, y
  cmp seen_action, x
  beq @done
  cmp #ACT_RESOLVING
  bne @done
  lda seen_action, x
  beq @lock
  lda #EFFECT_GARBAGE
  bne @start
@lock:
  lda #EFFECT_LOCK
@start:
  jmp start_for
@done:
  rts
.endproc

; Only what happened while falling: a spawn is no move.
.proc hear_moves
  ldy block_y
  lda P1 + O_ACTION, y
  bne @remember
  lda seen_action, x
  bne @remember
  lda P1 + O_ROT, y
  cmp seen_turn, x
  beq @place
  lda #EFFECT_TURN
  bne @start
@place:
  lda P1 + O_X, y
  cmp seen_place, x
  beq @remember
  lda #EFFECT_MOVE
@start:
  jsr start_for
  ldy block_y
@remember:
  lda P1 + O_ACTION, y
  sta seen_action, x
  lda P1 + O_ROT, y
  sta seen_turn, x
  lda P1 + O_X, y
  sta seen_place, x
  rts
.endproc

; `start_effect` that keeps X, the player.
.proc start_for
  sta effect
  txa
  pha
  lda effect
  jsr start_effect
  pla
  tax
  rts
.endproc

.segment "DATA"
clear_effect:
  .byte EFFECT_CLEAR1, EFFECT_CLEAR2, EFFECT_CLEAR3
; when a mode begins; $FF: nothing
mode_effect:
  .byte $FF, EFFECT_CHOOSE, EFFECT_CHOOSE, $FF, $FF, $FF, $FF, $FF, EFFECT_APPEAR
