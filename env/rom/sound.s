; The sound engine: eight tracks on four channels, one step a frame.  Tracks 0-3 are the music, 4-7 the effects
; on the same channels, which are heard instead of it.  Writes its own RAM and the sound unit, nothing else.
.include "ram.inc"
.include "routines.inc"
.include "sound.inc"

SQ1 = $4000
SQ1_SWEEP = $4001
SQ1_LOW = $4002
SQ1_HIGH = $4003
SQ2_SWEEP = $4005
SQ2_HIGH = $4007
TRI = $4008
TRI_LOW = $400A
TRI_HIGH = $400B
NOISE = $400C
NOISE_PERIOD = $400E
NOISE_LENGTH = $400F
CONSTANT = $30                  ; volume as written, for as long as it is
NO_SWEEP = $08
TRI_ON = $FF
TRI_OFF = $80

.segment "CODE"

.proc init_sound
  lda #CONSTANT
  sta SQ1
  sta SQ1 + 4
  sta NOISE
  lda #NO_SWEEP
  sta SQ1_SWEEP
  sta SQ2_SWEEP
  lda #TRI_OFF
  sta TRI
  lda #$0F
  sta SND_CHN
  lda #0
  sta SQ1_HIGH
  sta SQ2_HIGH
  sta TRI_HIGH
  sta NOISE_LENGTH
  rts
.endproc

; Called from the wait for the next frame, so also in menus and pauses.
.proc sound_frame
  jsr listen
  jsr choose_tune
  ldx #2 * CHANNELS - 1
@track:
  lda track_on, x
  beq @next
  cpx #CHANNELS
  bcs @run
  lda pause_state
  bne @next                     ; the music waits
@run:
  jsr run_track
@next:
  dex
  bpl @track
  jsr put_pulses
  jsr put_triangle
  jmp put_noise
.endproc

; X = track, A/Y = address of its first event, which is this frame's.
.proc start_track
  sta track_low, x
  tya
  sta track_high, x
  lda #1
  sta track_wait, x
  sta track_on, x
  lda #0
  sta track_volume, x
  sta track_instrument, x
  rts
.endproc

; X = track.  Keeps X.
.proc run_track
  dec track_wait, x
  beq :+
  jmp sustain
:
  lda track_low, x
  sta stream
  lda track_high, x
  sta stream + 1
  ldy #0
@event:
  lda (stream), y
  iny
  cmp #REST
  bcc @note
  beq @rest
  cmp #FIRST_DURATION
  bcs @duration
  cmp #FIRST_INSTRUMENT
  bcs @instrument
  cmp #AGAIN
  beq @again
  lda #0                        ; the end
  sta track_on, x
  sta track_volume, x
  rts
@duration:
  and #$7F
  sta track_length, x
  bne @event                    ; always
@instrument:
  and #$0F
  sta track_instrument, x
  bpl @event                    ; always
@again:
  lda (stream), y
  pha
  iny
  lda (stream), y
  sta stream + 1
  pla
  sta stream
  ldy #0
  beq @event
@note:
  jsr begin_note
  bne @wait                     ; always: a volume
@rest:
  lda #0
  sta track_volume, x
@wait:
  lda track_length, x
  sta track_wait, x
  tya
  clc
  adc stream
  sta track_low, x
  lda stream + 1
  adc #0
  sta track_high, x
  rts
.endproc

; A = note, X = track.  Keeps X and Y.
.proc begin_note
  sty note_y
  tay
  txa
  and #3
  cmp #NOISE_CHANNEL
  beq @noise
  lda period_low, y
  sta track_period, x
  lda period_high, y
  jmp @period
@noise:
  tya
  sta track_period, x
  lda #0
@period:
  sta track_period_high, x
  ldy track_instrument, x
  lda instrument_fade, y
  sta track_fade, x
  lda instrument_volume, y
  sta track_volume, x
  ldy note_y
  cmp #0
  rts
.endproc

; A frame of a note that goes on: it fades and slides.
.proc sustain
  lda track_volume, x
  beq silent
  ldy track_instrument, x
  dec track_fade, x
  bne @slide
  lda instrument_fade, y
  sta track_fade, x
  dec track_volume, x
@slide:
  lda instrument_slide, y
  beq @done
  bmi @up
  clc
  adc track_period, x
  sta track_period, x
  bcc @done
  inc track_period_high, x
  rts
@up:
  clc
  adc track_period, x
  sta track_period, x
  bcs @done
  dec track_period_high, x
@done:
  rts
.endproc

silent:
  rts

; Y = the track of channel X that is heard: its effect, else its music.  Zero flag: silence.
.proc heard
  txa
  clc
  adc #CHANNELS
  tay
  lda track_on, y
  bne @done
  txa
  tay
  lda pause_state
  bne @silence
  lda track_on, y
  rts
@silence:
  lda #0
@done:
  rts
.endproc

.proc put_pulses
  ldx #1
@pulse:
  jsr heard
  bne @on
  lda #CONSTANT
  ldy register_of, x
  sta SQ1, y
  jmp @next
@on:
  stx note_y
  ldx track_instrument, y
  lda instrument_duty, x
  ora track_volume, y
  ldx note_y
  pha
  lda track_period_high, y
  and #7
  sta stream + 1
  lda track_period, y
  ldy register_of, x
  sta SQ1_LOW, y
  pla
  sta SQ1, y
  lda stream + 1
  cmp channel_high, x           ; writing it restarts the wave, which clicks
  beq @next
  sta channel_high, x
  sta SQ1_HIGH, y
@next:
  dex
  bpl @pulse
  rts
.endproc

.proc put_triangle
  ldx #TRIANGLE_CHANNEL
  jsr heard
  beq @off
  lda track_volume, y
  beq @off
  lda track_period, y
  sta TRI_LOW
  lda track_period_high, y
  and #7
  sta TRI_HIGH
  lda #TRI_ON
  sta TRI
  rts
@off:
  lda #TRI_OFF
  sta TRI
  rts
.endproc

.proc put_noise
  ldx #NOISE_CHANNEL
  jsr heard
  beq @off
  lda track_period, y
  and #$0F
  sta NOISE_PERIOD
  lda track_volume, y
@off:
  ora #CONSTANT
  sta NOISE
  rts
.endproc

.segment "DATA"
register_of:
  .byte 0, 4
